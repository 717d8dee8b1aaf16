"""What every process of Gatepost's loads, loaded once: its forks share the memory, and need not look through it."""

import gc

import relay.app.serve
import relay.cli.main
import relay.http.api
import relay.http.console.site
import relay.http.server
import relay.mcp.endpoint  # noqa: F401

gc.collect()
gc.freeze()  # else each fork's first collection would copy every page of it
