"""init, config, db, tenant, mailbox, credential: from an empty folder to a login."""

import json
import shlex
from io import StringIO

import pytest
from sqlalchemy import update

from config.loader import load
from relay.store import schema as t
from relay.store.engine import Database
from relay.store.migrate import HEAD
from relay.submission.snippets import Login, entrance, snippet
from tests.support.settings import DOMAIN


def test_init_writes_a_file_that_runs_and_never_overwrites(cli, tmp_path):
    folder = tmp_path / "new"
    first = cli.bare("init", str(folder), "--domain", "acme.test", "--address", "1 Main St")
    assert first.code == 0
    loaded = load(folder / "gatepost.yaml", {})
    assert loaded.settings.domains[0].physical_address == "1 Main St"
    assert (folder / "keys" / "secret.key").stat().st_mode & 0o077 == 0
    before = (folder / "gatepost.yaml").read_bytes()
    again = cli.bare("init", str(folder))
    assert again.code == 1
    assert "gatepost.yaml already exists; nothing was written" in again.err
    assert (folder / "gatepost.yaml").read_bytes() == before


def test_init_asks_nobody_what_it_could_not_write(cli, tmp_path, monkeypatch):
    cli.bare("init", str(tmp_path / "new"))
    monkeypatch.setattr("sys.stdin", terminal := StringIO("acme.test\n1 Main St\n"))
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    said = cli.bare("init", str(tmp_path / "new"))
    assert (said.code, said.out) == (1, "")
    assert "already exists" in said.err


def test_init_refuses_a_domain_that_is_none(cli, tmp_path):
    said = cli.bare("init", str(tmp_path / "x"), "--domain", "not a domain")
    assert said.code == 2
    assert not (tmp_path / "x").exists()


def test_after_init_the_first_command_makes_the_store(cli, tmp_path):
    cli.bare("init", str(tmp_path / "new"), "--domain", "acme.test")
    config = tmp_path / "new" / "gatepost.yaml"
    assert cli("db", "current", config=config).code == 1
    made = cli("credential", "create", "agent", "--format", "json", config=config)
    assert made.json["password"].startswith("gp_live_")
    assert cli("db", "current", "--json", config=config).json == {"revision": HEAD, "head": HEAD, "upToDate": True}


def test_config_check_names_every_problem_with_its_line(cli):
    cli.config.write_text(cli.config.read_text() + "\nsmpt: {}\nserverr: {}\n")
    said = cli("config", "check")
    assert said.code == 2
    assert len(said.err.splitlines()) == 2
    assert all("gatepost.yaml:" in line for line in said.err.splitlines())


def test_config_check_says_that_a_file_is_valid_and_warns(cli):
    said = cli.does("config", "check")
    assert "valid" in said.out
    assert "literal secret" in said.err


def test_config_schema_is_json_schema(cli):
    assert json.loads(cli.bare("config", "schema").out)["type"] == "object"


def test_a_store_of_another_version_is_left_alone(cli):
    database = Database(load(cli.config).settings.storage.dsn)
    with database.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    database.close_now()
    said = cli("mailbox", "list")
    assert said.code == 1
    assert "run gatepost db upgrade" in said.err


def test_what_left_the_file_can_neither_be_paused_nor_resumed_nor_made_anew(cli):
    database = Database(load(cli.config).settings.storage.dsn)
    with database.writing.begin() as connection:
        for table in (t.mailboxes, t.tenants):
            connection.execute(update(table).values(status="disabled", managed=True))
    database.close_now()
    for act in ("pause", "resume"):
        for kind, name in (("mailbox", "agent"), ("tenant", "default")):
            assert "no longer in the configuration file" in cli(kind, act, name).err
    assert "put it back there" in cli("mailbox", "add", "agent", "--address", f"agent@{DOMAIN}").err


def test_a_tenant_is_called_otherwise(cli):
    cli.does("tenant", "add", "acme")
    cli.does("tenant", "rename", "acme", "apex")
    assert {"apex"} == {t["name"] for t in cli.does("tenant", "list", "--json").json} - {"default"}
    assert cli("tenant", "rename", "acme", "other").code == 1


def test_tenants_are_added_paused_and_resumed(cli):
    cli.does("tenant", "add", "acme", "--hourly", "5")
    assert cli("tenant", "add", "acme").code == 1
    cli.does("tenant", "pause", "acme", "--cause", "incident 7")
    shown = {t["name"]: t for t in cli.does("tenant", "list", "--json").json}
    assert (shown["acme"]["status"], shown["acme"]["cause"]) == ("paused", "incident 7")
    assert shown["acme"]["rateLimits"] == {"hourly": 5}
    assert shown["default"]["mailboxes"] == 1
    cli.does("tenant", "resume", "acme")
    assert "active already" in cli.does("tenant", "resume", "acme").out
    assert cli("tenant", "pause", "nobody").code == 1


def test_mailboxes_are_added_shown_paused_and_resumed(cli):
    cli.does("mailbox", "add", "sales", "--address", f"sales@{DOMAIN}", "--autonomy", "human_approved")
    assert cli("mailbox", "add", "other", "--address", f"SALES@{DOMAIN}").code == 1
    cli.does("mailbox", "pause", "sales", "--cause", "too eager")
    shown = cli.does("mailbox", "show", f"sales@{DOMAIN}", "--json").json
    assert (shown["status"], shown["pausedBy"], shown["cause"]) == ("paused", "person", "too eager")
    assert shown["autonomyLevel"] == "human_approved"
    assert shown["limits"]["hourly"] == {"current": 0, "limit": 10_000_000}
    cli.does("mailbox", "resume", "sales")
    assert [m["name"] for m in cli.does("mailbox", "list", "--json").json] == ["agent", "sales"]


def test_a_limit_that_binds_nobody_is_shown_as_none(make_cli):
    cli = make_cli({"policies": {"default": {"rules": {"rate_limit_hourly": {"mode": "shadow"}}}}})
    assert cli.does("mailbox", "show", "agent", "--json").json["limits"]["hourly"] == {"current": 0, "limit": None}


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--address", "not-an-address"), 2, "'not-an-address' is not an address: the address has no @"),
        (("--address", f"x@{DOMAIN}", "--autonomy", "sometimes"), 2, "'sometimes'"),
        (("--address", f"x@{DOMAIN}", "--policy", "nowhere"), 2, "nowhere"),
        (("--address", f"x@{DOMAIN}", "--tenant", "nobody"), 1, "nobody"),
    ],
)
def test_a_mailbox_that_makes_no_sense_is_not_made(cli, arguments, code, named):
    said = cli("mailbox", "add", "x", *arguments)
    assert said.code == code
    assert named in said.err
    assert len(cli.does("mailbox", "list", "--json").json) == 1


def test_a_domain_of_another_tenant_is_not_sent_from(cli):
    cli.does("tenant", "add", "acme")
    cli.does("domain", "add", "acme.test", "--tenant", "acme")
    said = cli("mailbox", "add", "boss", "--address", "boss@mail.acme.test")
    assert (said.code, "in tenant acme" in said.err, len(said.err.splitlines())) == (1, True, 1)
    cli.does("mailbox", "add", "boss", "--address", "boss@mail.acme.test", "--tenant", "acme")


def test_a_mailbox_of_an_unknown_domain_is_told_what_it_lacks(cli):
    assert "gatepost domain add other.test" in cli.does("mailbox", "add", "x", "--address", "x@other.test").out


def test_a_credential_is_shown_once_rotated_and_revoked(cli):
    made = cli.does("credential", "create", "agent", "--format", "json", "--label", "ci").json
    listed = cli.does("credential", "list", "agent", "--json").json
    assert made["password"] not in json.dumps(listed)
    rotated = cli.does("credential", "rotate", "ci", "--format", "json").json
    assert rotated["id"] != made["id"]
    cli.does("credential", "revoke", rotated["id"])
    states = {c["id"]: c["status"] for c in cli.does("credential", "list", "--json").json}
    assert states[made["id"]] == states[rotated["id"]] == "revoked"
    assert cli("credential", "revoke", rotated["id"]).code == 1
    assert cli("credential", "revoke", "nobody").code == 1


def test_the_credentials_of_one_tenant_are_listed_with_the_scope_they_were_asked_for_by(cli):
    cli.does("tenant", "add", "acme")
    cli.does("domain", "add", "acme.test", "--tenant", "acme")
    cli.does("mailbox", "add", "boss", "--address", "boss@acme.test", "--tenant", "acme")
    for name in ("agent", "boss"):
        cli.does("credential", "create", name)
    (listed,) = cli.does("credential", "list", "--tenant", "acme", "--json").json
    assert listed["scope"] == "agent:boss@acme.test"
    assert cli("credential", "list", "--tenant", "nobody").code == 1


def test_the_login_of_an_agent_reports_no_outcomes_unless_that_is_asked_for(cli):
    cli.does("credential", "create", "agent", "--label", "plain")
    cli.does("credential", "create", "agent", "--label", "shop", "--manage")
    cli.does("credential", "rotate", "plain")
    cli.does("credential", "rotate", "shop")
    listed = cli.does("credential", "list", "--json").json
    may = [(c["label"], c["permissions"]) for c in listed if not c["managed"]]
    assert may == [("plain", ["send", "read"]), ("shop", ["send", "read", "manage"])] * 2


def test_a_key_that_may_only_read_is_rotated_into_one_that_may_only_read(cli):
    made = cli.does("credential", "create", "agent", "--format", "json", "--label", "eyes").json
    database = Database(load(cli.config).settings.storage.dsn)
    with database.writing.begin() as connection:
        connection.execute(update(t.credentials).where(t.credentials.c.id == made["id"]).values(permissions='["read"]'))
    database.close_now()
    rotated = cli.does("credential", "rotate", "eyes", "--format", "json").json
    states = {c["id"]: c["permissions"] for c in cli.does("credential", "list", "--json").json}
    assert states[rotated["id"]] == ["read"]


def test_what_was_revoked_is_not_rotated_into_life(cli):
    made = cli.does("credential", "create", "agent", "--format", "json").json
    cli.does("credential", "revoke", made["id"])
    said = cli("credential", "rotate", made["id"])
    assert (said.code, len(said.err.splitlines())) == (1, 1)
    assert "gatepost credential create agent" in said.err


def test_a_password_of_the_file_is_rotated_in_the_file(cli):
    said = cli("credential", "rotate", "agent")
    assert said.code == 1
    assert "gatepost.yaml" in said.err


def test_an_ambiguous_credential_is_not_guessed(cli):
    for _ in range(2):
        cli.does("credential", "create", "agent", "--label", "twin")
    assert "matches 2 credentials" in cli("credential", "revoke", "twin").err


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_every_snippet_says_what_the_listener_asks_for(tls):
    login = Login("relay.test", 587, tls, "agent", "it's a $ecret", f"agent@{DOMAIN}")
    env = dict(line.split("=", 1) for line in snippet("env", login, "key_1").splitlines())
    assert shlex.split(env["SMTP_PASSWORD"]) == ["it's a $ecret"]
    assert (env["SMTP_USE_TLS"], env["SMTP_USE_SSL"]) == (_word(tls == "starttls"), _word(tls == "implicit"))
    assert json.loads(snippet("json", login, "key_1"))["tls"] == tls
    django = snippet("django", login, "key_1")
    for is_used, new, old in (
        (tls == "starttls", "use_tls", "EMAIL_USE_TLS"),
        (tls == "implicit", "use_ssl", "EMAIL_USE_SSL"),
    ):
        assert f'"{new}": {is_used},' in django
        assert f"{old} = {is_used}" in django
    smtplib_block = snippet("smtplib", login, "key_1")
    compile(smtplib_block, "snippet", "exec")
    assert ("SMTP_SSL" in smtplib_block, "starttls" in smtplib_block) == (tls == "implicit", tls == "starttls")
    node = snippet("nodemailer", login, "key_1")
    assert {"none": "ignoreTLS: true", "starttls": "requireTLS: true", "implicit": "secure: true"}[tls] in node


NONE, STARTTLS, IMPLICIT = ({"bind": "127.0.0.1:31525"}, {"bind": "127.0.0.1:31587", "tls": "starttls"},
                            {"bind": "127.0.0.1:31465", "tls": "implicit"})  # fmt: skip


@pytest.mark.parametrize(
    ("listeners", "told"),
    [
        ([NONE, {"bind": "0.0.0.0:587", "tls": "starttls"}], ("relay.test", 587, "starttls")),
        ([{"bind": "192.0.2.1:587", "tls": "starttls"}], ("relay.test", 587, "starttls")),
        ([IMPLICIT, STARTTLS, NONE], ("127.0.0.1", 31525, "none")),
        ([IMPLICIT, STARTTLS], ("127.0.0.1", 31587, "starttls")),
        ([{"bind": "192.0.2.1:25", "allow_plaintext_auth": True}], ("192.0.2.1", 25, "none")),
        ([], ("relay.test", 0, "none")),
    ],
)
def test_clients_are_told_an_address_they_can_reach(make_cli, tmp_path, listeners, told):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    tls = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    cli = make_cli({"smtp": {"listeners": listeners, "tls": tls}})
    assert entrance(load(cli.config).settings) == told


def _word(value: bool) -> str:
    return "true" if value else "false"
