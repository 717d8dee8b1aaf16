"""Secrets come by reference and are never shown."""

import json
import pickle

import pytest

from config.errors import ConfigError, SecretMissing
from config.loader import load_text
from config.secrets import Secret, resolve

CANARY = "canary-5f1c9a77d0e2"


def test_references_to_environment_and_file_are_resolved(tmp_path):
    (tmp_path / "key").write_text(f"{CANARY}\r\n")
    assert resolve("env:K", tmp_path, {"K": CANARY}).reveal() == CANARY
    assert resolve("file:key", tmp_path, {}).reveal() == CANARY
    assert resolve(f"file:{tmp_path}/key", tmp_path, {}).reveal() == CANARY
    assert resolve("env:K", tmp_path, {"K_FILE": str(tmp_path / "key")}).reveal() == CANARY


@pytest.mark.parametrize("text", ["env:K", "env:", "file:", "file:absent", "file:empty", "file:binary", "file:large"])
def test_a_reference_that_leads_nowhere_says_so_when_revealed(text, tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_text("x" * 70_000)
    secret = resolve(text, tmp_path, {"K": ""})
    assert not secret.is_set
    with pytest.raises(SecretMissing, match=f"^{text}"):
        secret.reveal()


def test_a_literal_is_accepted_with_a_warning():
    loaded = load_text("version: 1\nhttp: {admin_key: 0123456789012345}")
    assert loaded.settings.http.admin_key is not None
    assert loaded.settings.http.admin_key.reveal() == "0123456789012345"
    expected = "gatepost.yaml:2: http.admin_key: is a literal secret; write env:NAME or file:/path"
    assert expected in map(str, loaded.warnings)


EVERYWHERE = f"""
version: 1
server: {{secret_key: "{CANARY}-{CANARY}"}}
storage: {{url: "postgresql+psycopg://u:{CANARY}@h/db", password: {CANARY}}}
http: {{admin_key: {CANARY}, metrics_key: {CANARY}}}
mailboxes: [{{name: a, fromAddress: a@b.test, credentials: [{{username: a, password: {CANARY}}}]}}]
policies: {{default: {{rules: {{content_safety: {{canaries: [{CANARY}]}}}}}}}}
deliveryConfig:
  providers:
  - {{name: p, provider: sendgrid, username: {CANARY}, password: {CANARY}, webhookSecret: {CANARY}}}
  - name: o
    provider: office365
    username: u
    oauth: {{token_url: "https://t.test/x", client_id: c, client_secret: {CANARY}, refresh_token: {CANARY}}}
webhooks: [{{url: "https://h.test/", secret: {CANARY}}}]
"""


def test_no_secret_is_seen_in_repr_str_dump_or_warning():
    loaded = load_text(EVERYWHERE)
    settings = loaded.settings
    shown = [repr(settings), str(settings), repr(loaded), f"{settings.http}", str(settings.providers)]
    shown += [repr(settings.policy()), str(settings.model_dump()["http"]), *map(str, loaded.warnings)]
    assert not [text for text in shown if CANARY in text]
    literal = [problem.key for problem in loaded.warnings if "is a literal secret" in problem.message]
    assert [key for key in literal if "oauth" in key] == [
        f"deliveryConfig.providers[1].oauth.{name}" for name in ("client_secret", "refresh_token")
    ]


@pytest.mark.parametrize(
    "broken",
    [
        "smtp: {max_recipients: none}",
        "mailboxes: [{}]",
        f"storage: {{url: {CANARY}}}",
        f"http: {{admin_key: [{CANARY}]}}",
    ],
)
def test_no_secret_is_seen_in_an_error(broken):
    with pytest.raises(ConfigError) as caught:
        load_text(f"version: 1\nserver: {{secret_key: {CANARY}}}\n{broken}")
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_is_neither_pickled_nor_serialised():
    with pytest.raises(TypeError):
        pickle.dumps(Secret.literal(CANARY))
    with pytest.raises(TypeError):
        json.dumps(Secret.literal(CANARY))


def test_secrets_compare_by_value():
    assert Secret("env:A", CANARY) == Secret("env:B", CANARY)
    assert Secret("env:A", CANARY) != Secret("env:A", "other")
    assert Secret("env:A", None) != Secret("env:A", CANARY)
