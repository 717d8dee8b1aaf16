"""The commands that change data, on SQLite and on PostgreSQL alike, from an empty store on."""

import json


def test_commands_act_alike_on_both_kinds_of_store(make_cli, storage_url, tmp_path):
    cli = make_cli({"storage": {"url": storage_url}})
    assert cli("db", "current", "--json").json["upToDate"] is False
    cli.does("db", "upgrade")
    cli.does("tenant", "add", "acme", "--daily", "7")
    cli.does("mailbox", "add", "sales", "--address", "sales@acme.test", "--tenant", "acme")
    made = json.loads(cli.does("credential", "create", "sales", "--format", "json").out)
    cli.does("credential", "revoke", made["id"])
    cli.does("suppression", "add", "bob@example.net")
    cli.does("suppression", "add", "example.org", "--scope", "global")
    assert cli("suppression", "check", "x@sub.example.org").code == 1
    (tmp_path / "all.csv").write_text(cli.does("suppression", "export").out)
    cli.does("suppression", "remove", "example.org")
    cli.does("suppression", "import", str(tmp_path / "all.csv"))
    assert cli("suppression", "check", "*@example.org").code == 1
    cli.does("suppression", "remove", "bob@example.net")
    cli.does("consent", "grant", "bob@example.net")
    cli.does("domain", "add", "new.test")
    cli.does("mailbox", "pause", "sales")
    assert cli.does("queue", "list", "--json").json == []
    assert "0 deliveries" in cli.does("queue", "flush").out
    assert cli("queue", "cancel", "send_nobody").code == 1
    assert cli.does("hold", "list", "--json").json == []
    assert cli.does("audit", "verify", "--json").json["holds"]
    assert {r["name"] for r in cli.does("report", "reputation", "--json").json} == {"agent", "sales"}
    assert cli.does("report", "outcomes", "--json").json["totalEmails"] == 0


def test_a_bad_password_of_the_database_is_one_line(make_cli):
    cli = make_cli({"storage": {"url": "postgresql+psycopg://nobody@127.0.0.1:9/gatepost"}})
    said = cli("mailbox", "list")
    assert said.code == 1
    assert said.err.startswith("gatepost: the store cannot be used: ")
    assert said.err.count("\n") == 1
