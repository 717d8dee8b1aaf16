"""Loads everything that all Gatepost processes need, once: forks share the memory and start faster.

It also computes what each process would compute once: the commands, the presets, the hash of the tests'
password.
"""

import gc
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401
import yaml

import relay.app.serve
import relay.cli.program
import relay.http.api
import relay.http.console.site
import relay.http.server
import relay.mcp.endpoint
from config.loader import load_text
from relay.app.setup import try_passwords
from tests.support.settings import settings

relay.cli.program.program()
try_passwords(load_text(yaml.dump(settings(Path("/")))).settings, {})
gc.collect()
gc.freeze()  # otherwise each fork's first collection would copy all its pages
