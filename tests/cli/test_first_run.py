"""Faults H22: a first run has no default password, is no open relay, and listens for this machine alone."""

import smtplib
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from config.errors import ConfigError
from config.loader import load, load_text
from config.types import is_loopback
from relay.app.instance import Instance
from relay.app.setup import prepare
from relay.store.engine import Database
from relay.store.migrate import current


@pytest.fixture
def fresh(cli, tmp_path):
    """A configuration as `gatepost init` writes it."""
    cli.bare("init", str(tmp_path / "new"), "--domain", "acme.test")
    return tmp_path / "new" / "gatepost.yaml"


def test_h22_everything_listens_on_loopback(fresh):
    settings = load(fresh, {}).settings
    assert all(is_loopback(listener.host) for listener in settings.smtp.listeners)
    assert is_loopback(settings.http.host)
    assert settings.inbound.listeners == ()


def test_h22_no_password_is_there_by_default(cli, fresh):
    settings = load(fresh, {}).settings
    assert [mailbox.credentials for mailbox in settings.mailboxes] == [()]
    assert cli("credential", "list", "--json", config=fresh).json == []


def test_nobody_is_sent_to_publish_an_spf_record_that_names_no_provider_yet(cli, fresh):
    def spf():
        shown = cli("domain", "show", "acme.test", "--json", config=fresh).json
        return next(record for record in shown["dnsRecords"] if record["purpose"] == "spf")

    assert spf()["advice"].startswith("wait with it")
    file = fresh.read_text().replace("#- {name: secondary", "- {name: secondary")
    fresh.write_text(file.replace("password: env:RESEND_KEY", "password: secret-of-resend"))
    assert (spf()["advice"], "a:localhost" in spf()["value"]) == (None, False)


def test_h22_every_installation_has_keys_of_its_own(cli, tmp_path):
    keys = set()
    for name in ("one", "two"):
        cli.bare("init", str(tmp_path / name))
        keys |= {(tmp_path / name / "keys" / f"{key}.key").read_text() for key in ("secret", "admin")}
    assert len(keys) == 4


def test_a_command_waits_for_the_store_that_a_starting_server_makes(cli, fresh):
    loaded = load(fresh, {}).settings
    server = Instance(loaded.server.data_dir)
    server.lock()
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(cli.does, "mailbox", "list", "--json", config=fresh)
        assert wait([asked], timeout=0.5).not_done
        prepare(loaded, server)
        assert [mailbox["name"] for mailbox in asked.result().json] == ["agent"]


def test_a_store_that_somebody_began_to_make_is_made_to_its_end(cli, fresh):
    loaded = load(fresh, {}).settings
    loaded.server.data_dir.mkdir()
    database = Database(loaded.storage.dsn)
    assert current(database) == ""
    database.close_now()
    assert [mailbox["name"] for mailbox in cli.does("mailbox", "list", "--json", config=fresh).json] == ["agent"]


@pytest.mark.parametrize("bind", ["0.0.0.0:2525", "[::]:2525", "192.0.2.1:2525"])
def test_h22_a_public_listener_needs_tls_or_a_word(bind):
    listener = f'{{version: 1, smtp: {{listeners: [{{bind: "{bind}", tls: none}}]}}}}'
    with pytest.raises(ConfigError, match="needs TLS"):
        load_text(listener)
    load_text(listener.replace("tls: none", "tls: none, allow_plaintext_auth: true"))


def test_h22_a_stranger_cannot_relay(inside):
    with smtplib.SMTP(*inside.smtp) as client:
        client.ehlo()
        assert client.mail("stranger@example.net")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("agent", "agent")
