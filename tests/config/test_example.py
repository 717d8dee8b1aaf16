"""The file `gatepost init` writes runs as it is and shows every setting there is."""

import re
import stat
from pathlib import Path

import jsonschema
import pytest
import yaml

from config import example
from config.binding import Bound, annotations, bind, element_of, section_of
from config.loader import load, load_text
from config.rules import ORIGINS, PolicyFields
from config.schema import schema
from config.settings import Settings
from config.tree import parse

# A # without a space before a key, or before an entry of a list.
_COMMENTED = re.compile(r"^( *)#(?=[A-Za-z0-9_-]+:|  - |- )", re.MULTILINE)
# Settings of a provider that are left to the schema.
_RARE = [
    "group",
    "tls_ca",
    "tls_verify",
    "auth_methods",
    "oauth",
    "ehlo_name",
    "topic_arns",
    "confirm_subscriptions",
    "stream",
    "limits",
    "headers",
    "replies",
    "reply_id",
    "own_return_path",
    "when",
    "timeouts",
    "idle_time",
    "price",
    "webhook_secret",
]

# Shown at another place: a mode is said once above the rules, limits stand in rate_limits.
_ELSEWHERE = {("RateLimit", "limit"), *((name, "mode") for name in ORIGINS)}


def uncommented() -> str:
    return _COMMENTED.sub(r"\1", example.render())


def write(folder):
    return example.write(folder, lambda: "k" * 43, "acme.test", '1 Main "St": Springfield')


def test_what_init_writes_loads_without_a_warning_but_that_a_provider_is_missing(tmp_path):
    loaded = load(write(tmp_path), {})
    assert [warning.message for warning in loaded.warnings] == ["is missing; accepted mail waits in the queue"]
    assert loaded.settings.domains[0].physical_address == '1 Main "St": Springfield'
    assert loaded.settings.mailboxes[0].from_address == "agent@acme.test"
    assert loaded.settings.http.admin_key is not None
    assert loaded.settings.http.admin_key.reveal() == "k" * 43


def test_keys_are_readable_by_their_owner_alone(tmp_path):
    write(tmp_path)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in example.KEY_FILES} == {0o600}


def test_nothing_is_overwritten(tmp_path):
    write(tmp_path)
    with pytest.raises(FileExistsError, match=r"gatepost\.yaml already exists"):
        write(tmp_path)
    (tmp_path / example.FILE_NAME).unlink()
    with pytest.raises(FileExistsError, match=r"secret\.key already exists"):
        write(tmp_path)


@pytest.mark.parametrize("text", [example.render(), uncommented()], ids=["as written", "uncommented"])
def test_values_shown_are_the_defaults(text, tmp_path):
    for name in ("cert.pem", "key.pem", "rsa.pem", "ed25519.pem"):
        (tmp_path / name).write_text("")
    shown = load_text(text, folder=tmp_path, need_secrets=False).settings
    default = load_text("version: 1", folder=tmp_path).settings
    assert shown.policy() == default.policy()
    for name in ("bounce_handling", "attribution_windows", "attribution", "queue", "alerts", "dns", "retention"):
        assert getattr(shown, name) == getattr(default, name), name
    for name in ("connections", "timeouts", "auth", "memory", "max_errors", "bare_newline", "max_recipients"):
        assert getattr(shown.smtp, name) == getattr(default.smtp, name), name
    for name in ("breaker", "uncertain", "retry", "failover_triggers", "concurrency", "failover_on_policy_refusal"):
        assert getattr(shown.delivery_config, name) == getattr(default.delivery_config, name), name
    for name in ("pool_size", "timeout", "min_free_space", "dsn"):
        assert getattr(shown.storage, name) == getattr(default.storage, name), name


def test_the_example_shows_every_setting():
    bound = bind(parse(uncommented(), "example.yaml"), Settings)
    assert not bound.problems
    assert list(missing(Settings, (), bound)) == []


def missing(section, location, bound: Bound):
    """Settings no line of the example shows; one entry of a list stands for all."""
    for name, kind in annotations(section).items():
        here = (*location, name)
        if (location[:1] == ("mailboxes",) and name in PolicyFields.model_fields) or name == "rate_limits":
            continue
        if (section.__name__, name) in _ELSEWHERE or (section.__name__ == "Provider" and name in _RARE):
            continue
        entries = [known for known in bound.places if known == here or (known[: len(here)] == here)]
        if not entries and name not in ("presets", "sender"):
            yield here
        inner = section_of(kind) or section_of(element_of(kind, tuple)) or section_of(element_of(kind, dict))
        # Inbound listeners are shaped as those of smtp.
        if inner is None or not entries or name == "presets" or here == ("inbound", "listeners"):
            continue
        if section_of(kind):
            yield from missing(inner, here, bound)
        else:
            yield from missing_in_all(inner, here, bound)


def missing_in_all(section, location, bound: Bound):
    """Settings shown by none of the entries of a list."""
    keys = {known[-1] for known in bound.places if known and known[:-1] == location}
    lacking = [{path[len(location) + 1 :] for path in missing(section, (*location, key), bound)} for key in keys]
    yield from set.intersection(*lacking)


def test_the_example_satisfies_the_schema():
    validator = jsonschema.Draft202012Validator(schema())
    for text in (example.render(), uncommented()):
        assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


def test_the_file_for_containers_runs_with_the_admin_key_alone_and_with_what_compose_gives(tmp_path):
    root = Path(__file__).parents[2]
    text = (root / "deploy" / "gatepost.yaml").read_text()
    assert load_text(text, folder=tmp_path, env={"GATEPOST_ADMIN_KEY": "k" * 64}).settings.storage.is_sqlite
    service = yaml.safe_load((root / "compose.yaml").read_text())["services"]["gatepost"]
    for name in service["secrets"]:
        (tmp_path / name).write_text(f"{name}-{'k' * 48}\n")
    env = {key: value.replace("/run/secrets", str(tmp_path)) for key, value in service["environment"].items()}
    settings = load_text(text, env=env).settings
    assert settings.storage.dsn == f"postgresql+psycopg://gatepost:db_password-{'k' * 48}@postgres/gatepost"
    assert settings.server.secret_key.reveal().startswith("secret_key-")
    assert settings.http.admin_key.reveal().startswith("admin_key-")
