"""suppression and consent: adding, asking, removing, and whole files in and out."""

import csv
from io import BytesIO, TextIOWrapper

import pytest

from config.loader import load
from relay.store import consents
from relay.store.engine import Database


def test_an_address_is_suppressed_checked_and_released(cli):
    assert cli("suppression", "check", "bob@example.net").code == 0
    cli.does("suppression", "add", "bob@example.net", "--note", "asked by phone")
    said = cli("suppression", "check", "BOB@example.net", "--json")
    assert said.code == 1
    assert said.json["suppressions"][0]["note"] == "asked by phone"
    cli.does("suppression", "remove", "bob@example.net")
    assert cli("suppression", "check", "bob@example.net").code == 0
    assert cli("suppression", "remove", "bob@example.net").code == 1


def test_a_whole_domain_is_suppressed_with_all_below_it(cli):
    cli.does("suppression", "add", "example.net", "--scope", "global")
    assert cli("suppression", "check", "bob@sub.example.net").code == 1
    assert cli.does("suppression", "list", "--json").json[0]["email"] == "*@example.net"
    cli.does("suppression", "remove", "example.net")
    assert cli("suppression", "check", "bob@sub.example.net").code == 0


@pytest.mark.parametrize("spelling", ["*@Dom.example", "@dom.example", "<*@dom.example>", "dom.example"])
def test_a_whole_domain_is_added_asked_about_and_removed_in_every_spelling(cli, tmp_path, spelling):
    assert cli.does("suppression", "add", spelling, "--json").json["reason"] == "domain"
    assert cli("suppression", "check", "bob@mail.dom.example").code == 1
    said = cli("suppression", "check", spelling)
    assert (said.code, said.out.startswith("*@dom.example is suppressed: domain, tenant of default")) == (1, True)
    cli.does("suppression", "remove", spelling)
    assert cli("suppression", "check", spelling).code == 0
    assert cli("suppression", "check", "bob@mail.dom.example").code == 0


def test_the_list_of_an_address_shows_the_domains_it_is_under(cli):
    cli.does("suppression", "add", "*@evil.example")
    cli.does("suppression", "add", "y@other.example", "--reason", "complaint")

    def shown(*arguments):
        return [row["email"] for row in cli.does("suppression", "list", "--json", *arguments).json]

    for one in ("x@evil.example", "x@mail.evil.example", "*@evil.example", "evil.example"):
        assert shown("--email", one) == ["*@evil.example"]
    assert shown("--reason", "domain") == ["*@evil.example"]
    assert shown("--email", "y@other.example") == shown("--reason", "complaint") == ["y@other.example"]
    assert shown("--email", "x@evil.example", "--reason", "complaint") == []
    assert cli("suppression", "list", "--reason", "complaints").code == 2


def test_a_whole_domain_in_a_file_is_refused_as_one(cli, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,reason,note\n*@dom.example,spam trap,seen\n@two.example,,\n*@com,,\n*@,,\n")
    said = cli("suppression", "import", str(file), "--json")
    assert (said.code, said.json["imported"], [e["line"] for e in said.json["errors"]]) == (1, 2, [4, 5])
    rows = {row["email"]: (row["reason"], row["note"]) for row in cli.does("suppression", "list", "--json").json}
    assert rows == {"*@dom.example": ("domain", "spam trap; seen"), "*@two.example": ("domain", "")}
    assert cli("suppression", "check", "bob@mail.dom.example").code == 1
    assert cli("suppression", "import", str(file), "--mailbox", "agent", "--json").json["imported"] == 0


def test_a_suppression_for_one_mailbox_binds_no_other(cli):
    cli.does("mailbox", "add", "sales", "--address", "sales@sender.test")
    cli.does("suppression", "add", "bob@example.net", "--mailbox", "sales")
    assert cli("suppression", "check", "bob@example.net", "--mailbox", "sales").code == 1
    assert cli("suppression", "check", "bob@example.net", "--mailbox", "agent").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("not an address@",),
        ("notanaddress",),
        ("bob@example.net", "--reason", "because"),
        ("bob@example.net", "--scope", "global", "--mailbox", "agent"),
        ("bob@example.net", "--scope", "global", "--tenant", "default"),
        ("bob@example.net", "--scope", "mailbox"),
        ("bob@example.net", "--expires", "soon"),
        ("bob@example.net", "--expires", "0"),
        ("example.net", "--mailbox", "agent"),
        ("*@example.net", "--mailbox", "agent"),
        ("*@com",),
        ("*@*.example.net",),
    ],
)
def test_a_suppression_that_makes_no_sense_is_bad_usage(cli, arguments):
    assert cli("suppression", "add", *arguments).code == 2


def test_a_reason_has_its_customary_names_here_too(cli, tmp_path):
    assert (
        cli.does("suppression", "add", "a@example.net", "--reason", "bounce", "--json").json["reason"] == "hard_bounce"
    )
    file = tmp_path / "list.csv"
    file.write_text("email,reason\nb@example.net,bounce\nc@example.net,complaint\nd@example.net,he asked\n")
    said = cli.does("suppression", "import", str(file), "--json").json
    assert (said["imported"], said["skipped"]) == (3, 0)
    kept = {row["email"]: (row["reason"], row["note"]) for row in cli.does("suppression", "list", "--json").json}
    assert kept["b@example.net"] == ("hard_bounce", "")
    assert kept["d@example.net"] == ("manual", "he asked")
    bounced = cli.does("suppression", "list", "--reason", "bounce", "--json").json
    assert {row["email"] for row in bounced} == {"a@example.net", "b@example.net"}


def test_an_alias_of_a_suppressed_address_is_suppressed_and_only_the_entry_itself_is_removed(cli):
    cli.does("suppression", "add", "bob+tag@example.net")
    cli.does("mailbox", "add", "sales", "--address", "sales@sender.test")
    said = cli("suppression", "check", "bob@example.net")
    assert (said.code, "as bob+tag@example.net" in said.out) == (1, True)
    assert cli("suppression", "check", "bob+x@example.net", "--mailbox", "sales").code == 1
    assert cli("suppression", "remove", "bob@example.net").code == 1
    cli.does("suppression", "remove", "bob+tag@example.net")
    assert cli("suppression", "check", "bob@example.net").code == 0


def test_a_word_is_no_domain_and_the_refusal_says_what_to_write(cli):
    for command in ("add", "check", "remove"):
        assert "write bob@example.com, or example.com" in cli("suppression", command, "notanaddress").err
    assert cli.does("suppression", "list", "--json").json == []


def test_an_end_after_all_calendars_costs_the_line(cli, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,expires_at\na@example.net,9999-12-31T23:59:59-12:00\nb@example.net,2030-01-01\n")
    said = cli("suppression", "import", str(file), "--json")
    assert (said.code, said.json["imported"], said.json["errors"][0]["line"]) == (1, 1, 2)


def test_suppressions_survive_export_and_import(cli, make_cli, tmp_path):
    for address in ("a@example.net", "b@example.net"):
        cli.does("suppression", "add", address, "--reason", "complaint", "--note", "=cmd()")
    exported = cli.does("suppression", "export").out
    assert "'=cmd()" in exported  # no spreadsheet takes it for a formula
    file = tmp_path / "list.csv"
    file.write_text(exported)
    cli.does("suppression", "remove", "a@example.net")
    said = cli.does("suppression", "import", str(file), "--json").json
    assert (said["imported"], said["skipped"]) == (2, 0)
    kept = {row["email"]: row for row in cli.does("suppression", "list", "--json").json}
    assert kept["a@example.net"]["reason"] == "complaint"
    assert kept["a@example.net"]["note"] == "=cmd()"


def _without_times(exported):
    head, *lines = csv.reader(exported.splitlines())
    return sorted([cell for name, cell in zip(head, line, strict=True) if name != "created_at"] for line in lines)


def test_what_one_installation_exports_protects_the_same_people_in_another(cli, make_cli, tmp_path):
    other = make_cli(name="other")
    for installation in (cli, other):
        installation.does("tenant", "add", "acme")
        installation.does("mailbox", "add", "sales", "--address", "sales@sender.test")
    for arguments in (
        ("a@example.net", "--scope", "global", "--reason", "complaint"),
        ("a@example.net", "--tenant", "acme", "--note", "=x, y"),
        ("b@example.net", "--mailbox", "sales", "--reason", "unsubscribe"),
        ("c@example.net", "--expires", "30d"),
        ("*@all.example", "--scope", "global"),
        ("*@one.example", "--tenant", "acme", "--note", "trap", "--expires", "30d"),
    ):
        cli.does("suppression", "add", *arguments)
    exported = cli.does("suppression", "export").out
    file = tmp_path / "all.csv"
    file.write_text(exported)
    told = other.does("suppression", "import", str(file), "--json").json
    assert (told["imported"], told["ignoredColumns"]) == (6, [])
    assert _without_times(other.does("suppression", "export").out) == _without_times(exported)
    assert other("suppression", "check", "x@mail.all.example").code == 1
    assert other("suppression", "check", "b@example.net", "--mailbox", "agent").code == 0


def test_options_are_for_lines_that_do_not_say_whom_they_are_for(cli, tmp_path):
    cli.does("mailbox", "add", "sales", "--address", "sales@sender.test")
    file = tmp_path / "list.csv"
    lines = (
        "email,scope,tenant,mailbox",
        "a@x.example,,,",
        "b@x.example,tenant,,",
        "c@x.example,mailbox,,SALES",
        "d@x.example,,,agent",
    )
    file.write_text("\n".join(lines).replace("SALES", "sales@sender.test"))
    cli.does("suppression", "import", str(file), "--scope", "global")
    scopes = {row["email"][0]: row["scope"] for row in cli.does("suppression", "list", "--json").json}
    assert scopes == {"a": "global", "b": "tenant", "c": "mailbox", "d": "mailbox"}


def test_a_line_for_whom_nobody_is_costs_that_line(cli, tmp_path):
    file = tmp_path / "list.csv"
    lines = (
        "email,scope,tenant,mailbox",
        "a@x.example,all,,",
        "b@x.example,,acme,",
        "c@x.example,,,sales",
        "d@x.example,mailbox,,",
    )
    file.write_text("\n".join(lines))
    told = cli("suppression", "import", str(file), "--json").json
    assert (told["imported"], [e["message"].partition(":")[0] for e in told["errors"]]) == (0, [
        "scope 'all' is none of global, tenant, mailbox",
        "there is no tenant 'acme'",
        "there is no mailbox 'sales' in its tenant",
        "scope is mailbox but the row names none",
    ])  # fmt: skip


def test_a_column_that_says_nothing_here_is_told(cli, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,First Name,scop\na@example.net,Ann,global\n")
    assert "ignored, unknown columns: first name, scop" in cli.does("suppression", "import", str(file)).err


def test_what_is_there_already_is_told_as_it_stands(cli):
    for name in ("bob@example.net", "dom.example"):
        assert "already" not in cli.does("suppression", "add", name, "--note", "by phone").out
        said = cli.does("suppression", "add", name, "--note", "by mail").out
        assert ("It already was, since " in said, ": by phone. That entry stays" in said) == (True, True)


def test_a_domain_that_is_refused_for_longer_is_refused_for_longer(cli):
    for end in ("1d", "30d", "2d", ""):
        cli.does("suppression", "add", "dom.example", *(("--expires", end) if end else ()))
    (row,) = cli.does("suppression", "list", "--json").json
    assert row["expiresAt"] is None


def test_a_bare_list_of_addresses_is_imported_and_bad_lines_are_named(cli, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("a@example.net\n\nnonsense\nb@example.net\n")
    said = cli("suppression", "import", str(file))
    assert said.code == 1
    assert "line 3" in said.err
    assert "2 lines imported, 1 skipped" in said.out


def test_a_list_can_be_for_one_mailbox_only(cli, tmp_path):
    cli.does("mailbox", "add", "sales", "--address", "sales@sender.test")
    file = tmp_path / "list.txt"
    file.write_text("bob@example.net\n")
    assert cli("suppression", "import", str(file), "--scope", "mailbox").code == 2
    cli.does("suppression", "import", str(file), "--mailbox", "sales")
    assert cli("suppression", "check", "bob@example.net", "--mailbox", "sales").code == 1
    assert cli("suppression", "check", "bob@example.net", "--mailbox", "agent").code == 0


def test_a_file_that_turns_out_to_be_no_text_changes_nothing(cli, tmp_path):
    file = tmp_path / "list.txt"
    file.write_bytes(b"a%d@example.net\n" * 2000 + b"\xff\n")
    assert cli("suppression", "import", str(file)).code == 2
    assert cli.does("suppression", "list", "--json").json == []


@pytest.mark.parametrize("cell", ['"he said', '"he" said', "x" * 200_000])
def test_a_cell_that_would_take_in_other_lines_is_named_and_changes_nothing(cli, tmp_path, cell):
    file = tmp_path / "list.csv"
    file.write_text(f"email,note\na@example.net,fine\nb@example.net,{cell}\nc@example.net,\n")
    assert "line 3: " in cli("suppression", "import", str(file)).err
    assert cli.does("suppression", "list", "--json").json == []


def test_a_line_with_a_nul_is_named_and_a_mark_of_utf8_is_no_text_on_standard_input_either(cli, monkeypatch):
    raw = BytesIO(b"\xef\xbb\xbfemail,note\r\na@example.net,x\0y\r\nb@example.net,fine\r\n")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(raw))
    said = cli("suppression", "import", "-")
    assert (said.code, "line 2: contains a NUL character" in said.err) == (1, True)
    assert [row["email"] for row in cli.does("suppression", "list", "--json").json] == ["b@example.net"]


def test_of_two_lines_for_one_address_the_later_ending_counts(cli, tmp_path):
    file = tmp_path / "list.csv"
    lines = ["email,expires_at", "b@example.net,", "a@example.net,2030-01-01", "B@example.net,2030-01-01"]
    file.write_text("\n".join(lines))
    said = cli.does("suppression", "import", str(file), "--json").json
    assert (said["imported"], said["skipped"]) == (3, 0)
    kept = {row["email"]: row["expiresAt"] for row in cli.does("suppression", "list", "--json").json}
    assert kept["b@example.net"] is None
    assert kept["a@example.net"].startswith("2030-01-01")


def test_a_file_without_the_column_is_bad_usage(cli, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("name,age\nbob,7\n")
    assert cli("suppression", "import", str(file)).code == 2
    assert cli("suppression", "import", str(tmp_path / "nowhere.csv")).code == 1


def test_the_newest_consent_counts_and_the_ledger_keeps_both(cli):
    assert "basis is none of express, " in cli("consent", "grant", "bob@example.net", "--basis", "implied").err
    cli.does("consent", "grant", "bob@example.net", "--basis", "express", "--source", "signup form")
    cli.does("consent", "revoke", "bob@example.net")
    rows = cli.does("consent", "list", "--email", "bob@example.net", "--json").json
    assert [row["granted"] for row in rows] == [False, True]
    assert rows[1]["source"] == "signup form"


@pytest.mark.parametrize(
    ("rule", "stops"),
    [
        ({}, False),
        ({"profiles": ["can_spam"]}, True),
        ({"required": True}, True),
        ({"profiles": ["gdpr"], "mode": "shadow"}, False),
    ],
)
def test_a_revocation_says_where_it_stops_no_mail(make_cli, rule, stops):
    cli = make_cli({"policies": {"default": {"rules": {"consent_validation": rule}}}})
    said = cli.does("consent", "revoke", "bob@example.net").out
    assert ("gatepost suppression add bob@example.net" in said) is not stops
    assert "suppression" not in cli.does("consent", "grant", "bob@example.net").out


def test_consents_are_imported(cli, tmp_path):
    file = tmp_path / "consents.csv"
    file.write_text(
        "email,granted,basis,at\na@example.net,yes,express,2026-01-02\nb@example.net,no,,2026-01-02T00:00:00Z\n"
    )
    cli.does("consent", "import", str(file))
    database = Database(load(cli.config).settings.storage.dsn)
    with database.asking.begin() as connection:
        tenant = cli.does("consent", "list", "--json").json[0]["tenantId"]
        assert consents.newest(connection, tenant, "a@example.net").granted
        assert not consents.newest(connection, tenant, "b@example.net").granted
    database.close_now()


def test_a_consent_dated_ahead_is_imported_by_nobody(cli, tmp_path):
    file = tmp_path / "consents.csv"
    file.write_text("email,granted,at\na@example.net,yes,2190-01-01\nb@example.net,no,2190-01-01\n", "utf-8")
    done = cli("consent", "import", str(file))
    assert "this time is in the future" in done.out + done.err
    rows = cli.does("consent", "list", "--json").json
    assert [(row["email"], row["granted"]) for row in rows] == [("b@example.net", False)]


def test_a_jurisdiction_that_names_no_country_is_bad_usage_and_costs_the_line(cli, tmp_path):
    said = cli("consent", "grant", "bob@example.net", "--jurisdiction", "Germany")
    assert (said.code, "jurisdiction is not a country: 'Germany'; write its two letters" in said.err) == (2, True)
    file = tmp_path / "consents.csv"
    file.write_text("email,jurisdiction\na@example.net,Germany\nb@example.net,DE\n")
    said = cli("consent", "import", str(file), "--json")
    assert (said.code, said.json["imported"], said.json["errors"][0]["line"]) == (1, 1, 2)


def _granted(cli, tmp_path, text):
    """What an import says, and who is granted what by then."""
    file = tmp_path / "consents.csv"
    file.write_text(text)
    said = cli("consent", "import", str(file), "--json")
    return said, {row["email"]: row["granted"] for row in reversed(cli.does("consent", "list", "--json").json)}


def test_what_is_neither_a_yes_nor_a_no_lifts_no_revocation(cli, tmp_path):
    cli.does("consent", "revoke", "bob@example.net")
    for word in ("maybe", "non", "unsub", ""):
        said, granted = _granted(
            cli, tmp_path, f"email,granted,basis\nann@example.net,yes,\nbob@example.net,{word},express\n"
        )
        assert (said.code, said.json["imported"], said.json["errors"][0]["line"]) == (1, 1, 3)
        assert said.json["errors"][0]["message"].endswith("write true or false")
        assert granted == {"ann@example.net": True, "bob@example.net": False}


def test_a_refusal_in_other_words_is_a_refusal(cli, tmp_path):
    cli.does("consent", "grant", "bob@example.net")
    for word in ("n", "N", "Opted-Out", "opted out", "unsubscribed", "denied", "FALSE", "0", "withdrawn"):
        said, granted = _granted(cli, tmp_path, f"email,granted\nbob@example.net,{word}\n")
        assert (said.code, granted) == (0, {"bob@example.net": False})
        cli.does("consent", "grant", "bob@example.net")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("email,status\nbob@example.net,withdrawn\n", "'status' is not known: rename it or leave it out; known"),
        ("email,granted,granted\nbob@example.net,no,yes\n", "the column granted is there twice"),
        ("withdrawn\nbob@example.net\n", "the first line must name the columns, email among them"),
    ],
)  # fmt: skip
def test_a_column_that_would_be_ignored_is_refused_before_anything_is_read(cli, tmp_path, text, told):
    file = tmp_path / "consents.csv"
    file.write_text(text)
    said = cli("consent", "import", str(file))
    assert (said.code, told in said.err) == (2, True)
    assert cli.does("consent", "list", "--json").json == []


def test_a_consent_goes_to_the_tenant_its_line_names(cli, tmp_path):
    cli.does("tenant", "add", "acme")
    said, granted = _granted(cli, tmp_path, "email,tenant\na@example.net,acme\nb@example.net,nobody\nc@example.net,\n")
    assert (said.json["imported"], said.json["errors"][0]["line"]) == (2, 3)
    assert granted == {"a@example.net": True, "c@example.net": True}
    assert [row["email"] for row in cli.does("consent", "list", "--tenant", "acme", "--json").json] == ["a@example.net"]
