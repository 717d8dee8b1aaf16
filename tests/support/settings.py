"""The configuration from which tests start: everything on loopback, one domain we vouch for, very high limits.

A test changes what it is about: `settings(folder, {"smtp": {"max_message_size": "1MiB"}})`. Mappings are merged
key by key; a list replaces the list that was there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.ports import free_port

HOST = "127.0.0.1"
DOMAIN = "sender.test"
ADDRESS = f"agent@{DOMAIN}"
USER = "agent"
PASSWORD = "an-agents-secret-0123456789abcdef"
ADMIN_KEY = "an-operators-key-0123456789abcdef"
Tree = dict[str, Any]
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # hundreds of tests write such a file


def mailbox(name: str = USER, **more: Any) -> Tree:
    """A mailbox that may send anything; its credential has the same name."""
    credentials = [{"username": name, "password": PASSWORD}]
    return {"name": name, "fromAddress": f"{name}@{DOMAIN}", "role": "bulk", "credentials": credentials} | more


def settings(folder: Path, changes: Mapping[str, Any] | None = None, *, providers: Sequence[Tree] = ()) -> Tree:
    """A whole configuration, as the tree that a YAML file would contain."""
    smtp, http = free_port(), free_port()
    limits = {"hourly": 10_000_000, "daily": 10_000_000, "monthly": 100_000_000}
    far = {"limit": 1_000_000}
    bursts = {"recipient_burst": far, "first_contact_limit": far, "cooldown": {"mode": "off"}}
    base: Tree = {
        "version": 1,
        "server": {"hostname": "relay.test", "public_url": f"http://{HOST}:{http}", "data_dir": str(folder / "data")},
        "storage": {"url": f"sqlite+aiosqlite:///{folder / 'gatepost.db'}"},
        "smtp": {"listeners": [{"bind": f"{HOST}:{smtp}", "tls": "none"}]},
        "http": {"bind": f"{HOST}:{http}", "admin_key": ADMIN_KEY},
        "domains": [{"domain": DOMAIN, "verification": "trusted", "physical_address": "1 Main St, Springfield"}],
        "mailboxes": [mailbox()],
        "policies": {"default": {"rateLimits": limits, "rules": bursts}},
        "deliveryConfig": {"providers": list(providers)},
    }
    return merged(base, changes or {})


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    """`below`, overridden by `above`."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def write(folder: Path, tree: Tree) -> Path:
    """The tree as a file that `gatepost --config` reads."""
    path = folder / "gatepost.yaml"
    path.write_text(yaml.dump(tree, Dumper=_DUMPER, sort_keys=False), "utf-8")
    return path


def endpoint(bind: str) -> tuple[str, int]:
    """Split `host:port` into what sockets take."""
    host, _, port = bind.rpartition(":")
    return host, int(port)
