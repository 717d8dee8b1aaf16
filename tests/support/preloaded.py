"""What every process of Gatepost's loads, loaded once: its forks share the memory, and need not look through it.

What a process of ours works out once is worked out here: the commands, the presets, the hash of the tests' password.
"""

import gc
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401
import yaml

import relay.app.serve
import relay.cli.main
import relay.http.api
import relay.http.console.site
import relay.http.server
import relay.mcp.endpoint
from config.loader import load_text
from relay.app.setup import try_passwords
from tests.support.settings import settings

relay.cli.main.program()
try_passwords(load_text(yaml.dump(settings(Path("/")))).settings, {})
gc.collect()
gc.freeze()  # else each fork's first collection would copy every page of it
