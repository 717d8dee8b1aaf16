"""domain, doctor, feedback, report: what stands in DNS, what would land in spam, what came back, what it brought."""

import json
import re
from datetime import UTC, datetime

import pytest
import trustme
import yaml
from sqlalchemy import text

from config.loader import load
from relay.cli.checkup import certificates, machine
from relay.store import keys
from relay.store.engine import Database
from tests.support.settings import DOMAIN

BOUNCE = b"""From: MAILER-DAEMON@mx.example.net\r
To: bounces@sender.test\r
Subject: Undelivered Mail Returned to Sender\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
It could not be delivered.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.net\r
\r
Final-Recipient: rfc822; bob@example.net\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
\r
--b--\r
"""


@pytest.fixture
def asked(make_cli, nameserver):
    """The command line with a name server of the test's own."""
    return make_cli({"dns": {"nameservers": [nameserver.address]}})


def test_a_domain_is_added_published_and_proven(asked, nameserver):
    shown = asked.does("domain", "add", "new.test", "--address", "2 Side St", "--json").json
    assert shown["status"] == "pending"
    assert {record["purpose"] for record in shown["dnsRecords"]} >= {"ownership", "dkim", "spf", "dmarc"}
    early = asked("domain", "verify", "new.test", "--json")
    assert (early.code, early.json["status"]) == (1, "pending")
    for record in shown["dnsRecords"]:
        nameserver.publish(record["name"], record["type"], record["value"])
    said = asked.does("domain", "verify", "new.test", "--json").json
    assert said["status"] == "verified"
    assert {record["status"] for record in said["dnsRecords"]} == {"valid"}
    assert asked.does("domain", "list", "--json").json[0]["domain"] == "new.test"
    assert "gp1._domainkey.new.test" in asked.does("domain", "show", "new.test").out


def test_M8_keys_are_rotated_once_dns_shows_the_new_ones(asked, nameserver):
    made = asked.does("domain", "rotate", DOMAIN, "--json").json
    twice = asked("domain", "rotate", DOMAIN)
    assert (twice.code, twice.err.count("\n")) == (1, 1)
    assert "is being rotated to gp2" in twice.err
    assert "New keys are waiting for DNS" in asked.does("domain", "show", DOMAIN).out
    for record in made["dnsRecords"]:
        if record["key"] == "pending":
            nameserver.publish(record["name"], record["type"], record["value"])
    asked("domain", "verify", DOMAIN)
    assert "this key signs no more" in asked.does("domain", "show", DOMAIN).out
    found = [f for f in asked("doctor", "--json").json if f["area"] == DOMAIN and "dkim" in f["what"]]
    assert {f["level"] for f in found} == {"warn", "ok"}  # the old records are missing, and nothing signs by them


def test_M10_the_doctor_finds_a_domain_without_a_key(asked):
    database = Database(load(asked.config).settings.storage.dsn)
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM dkim_keys"))
    database.close_now()
    assert any(f["what"] == "it has no DKIM key" and f["level"] == "fail" for f in asked("doctor", "--json").json)


def test_a_domain_twice_or_none_is_refused(asked):
    assert asked("domain", "add", DOMAIN).code == 1
    assert asked("domain", "add", "not a domain").code == 2
    assert asked("domain", "add", "foo").code == 2
    assert asked("domain", "show", "nowhere.test").code == 1
    assert "there is no domain not a domain" in asked("domain", "show", "not a domain").err


def test_an_international_domain_is_shown_by_the_name_it_was_added_by(asked):
    asked.does("domain", "add", "bücher.test")
    assert asked.does("domain", "show", "Bücher.test", "--json").json["domain"] == "xn--bcher-kva.test"


def test_the_doctor_says_what_would_land_in_spam_and_why(asked, nameserver):
    nameserver.publish(DOMAIN, "TXT", "v=spf1 -all")
    said = asked("doctor", "--json")
    assert said.code == 1
    found = {(f["area"], f["what"].split(":")[0]): f for f in said.json}
    assert found[DOMAIN, "dkim"]["level"] == "fail"
    assert "spam" in found[DOMAIN, "dkim"]["why"]
    assert found[DOMAIN, "spf"]["level"] == "warn"
    assert any(f["area"] == "providers" and f["what"] == "there is none" for f in said.json)
    assert any(f["area"] == "smtp" and "nothing answers" in f["what"] for f in said.json)
    shown = asked("doctor").out
    assert "problems to fix" in shown
    assert "→" in shown


def test_a_house_in_order_has_nothing_to_mend(inside, beside):
    said = beside(inside)("doctor", "--offline", "--json")
    assert [f for f in said.json if f["level"] == "fail"] == []
    assert said.code == 0


def test_dns_that_does_not_answer_proves_nothing_bad(asked, nameserver):
    import dns.rcode

    nameserver.failure = dns.rcode.SERVFAIL
    levels = {f["what"].split(":")[0]: f["level"] for f in asked("doctor", "--json").json if f["area"] == DOMAIN}
    assert levels["dkim"] == "info"


def test_a_certificate_is_judged_by_its_time_and_its_names(make_cli, tmp_path):
    authority = trustme.CA()
    made = authority.issue_cert("relay.test", not_after=datetime(2030, 1, 1, tzinfo=UTC))
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    settings = load(make_cli({"smtp": {"tls": tls}}).config).settings

    def levels(day: str, hostname: str = "relay.test") -> list[str]:
        server = settings.server.model_copy(update={"hostname": hostname})
        moment = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        changed = settings.model_copy(update={"server": server})
        return [finding.level for finding in certificates.certificates(changed, moment)]

    assert levels("2029-06-01") == ["ok"]
    assert levels("2029-12-20") == ["warn"]
    assert levels("2030-02-01") == ["fail"]
    assert levels("2029-06-01", "other.test") == ["ok", "fail"]


def test_a_secret_others_can_read_is_told(cli):
    data = load(cli.config).settings.server.data_dir
    (data / "secret.key").chmod(0o644)
    assert [f.level for f in machine.data_dir(load(cli.config).settings)] == ["fail"]


@pytest.mark.parametrize("words", ["", "junk", "abcd"])
def test_a_damaged_secret_key_is_told_with_its_file_in_one_line(cli, words):
    path = load(cli.config).settings.server.data_dir / "secret.key"
    path.write_text(words)
    said = cli("credential", "create", "agent")
    assert (said.code, said.err) == (
        2,
        f"gatepost: {path} does not hold a key of 32 octets in hex: restore it from a backup\n",
    )


def test_a_revoked_credential_the_file_still_declares_is_told(cli):
    (own,) = cli.does("credential", "list", "--json").json
    cli.does("credential", "revoke", own["id"])
    (found,) = [f for f in cli("doctor", "--offline", "--json").json if "was revoked" in f["what"]]
    assert (found["level"], found["area"], found["remedy"]) == ("warn", "agent", "Choose another username.")


def test_a_file_that_cannot_be_used_is_told_and_the_rest_is_looked_at(cli, tmp_path):
    (tmp_path / "junk.pem").write_text("junk")
    tree = yaml.safe_load(cli.config.read_text())
    tree["domains"][0]["dkim"] = {"key": str(tmp_path / "junk.pem")}
    cli.config.write_text(yaml.safe_dump(tree))
    found = cli("doctor", "--offline", "--json").json
    (failed,) = [f for f in found if f["area"] == "config" and f["level"] == "fail"]
    assert "domains[0].dkim.key" in failed["what"]
    assert any(f["area"] == "store" for f in found)


def test_a_bounce_is_told_as_an_event(cli, tmp_path):
    (tmp_path / "bounce.eml").write_bytes(BOUNCE)
    said = cli.bare("feedback", "parse", str(tmp_path / "bounce.eml"))
    (event,) = said.json
    assert (said.code, event["recipient"], event["hard"]) == (0, "bob@example.net", True)


def test_a_payload_is_told_and_what_is_none_exits_with_1(cli, tmp_path):
    payload = {
        "RecordType": "SpamComplaint",
        "Email": "bob@example.net",
        "MessageID": "1",
        "BouncedAt": "2026-01-02T00:00:00Z",
    }
    (tmp_path / "hook.json").write_text(json.dumps(payload))
    assert cli.bare("feedback", "parse", str(tmp_path / "hook.json")).json[0]["eventType"] == "complained"
    (tmp_path / "letter.eml").write_bytes(b"From: a@b.test\r\nSubject: hi\r\n\r\nhello\r\n")
    nothing = cli.bare("feedback", "parse", str(tmp_path / "letter.eml"))
    assert (nothing.code, nothing.json) == (1, [])
    assert nothing.err.endswith("letter.eml is not a bounce, a complaint or a provider's payload\n")
    assert cli.bare("feedback", "parse", str(tmp_path / "hook.json"), "--provider", "pigeon").code == 2


def test_reports_of_an_idle_house_are_calm(cli):
    (standing,) = cli.does("report", "reputation", "--json").json
    assert (standing["name"], standing["status"], standing["reputationScore"]) == ("agent", "good", 100)
    one = cli.does("report", "reputation", "--mailbox", "agent").out
    assert re.search(r"score\s+100", one)
    assert cli.does("report", "reputation", "--domain", DOMAIN, "--json").json["scope"] == f"domain:{DOMAIN}"
    unknown = cli("report", "reputation", "--domain", "nobody.test")
    assert (unknown.code, unknown.err) == (1, "gatepost: there is no domain nobody.test (see gatepost domain list)\n")
    told = cli.does("report", "outcomes", "--period", "7d", "--group-by", "mailbox", "--json").json
    assert (told["totalEmails"], told["outcomes"]) == (0, {"revenue_attributed": 0.0})
    assert "last_touch" in cli.does("report", "outcomes", "--period", "2026-01").out


@pytest.mark.parametrize(
    "wrong", [("--period", "ever"), ("--period", "2999-01"), ("--model", "best"), ("--group-by", "x")]
)
def test_a_report_that_makes_no_sense_is_bad_usage(cli, wrong):
    assert cli("report", "outcomes", *wrong).code == 2


def test_a_period_out_of_bounds_is_told_both_of_them(cli):
    assert "--period must be longer than 0 and at most 366d" in cli("report", "outcomes", "--period", "0d").err


def test_dkim_keys_are_made_once_and_sealed(cli):
    database = Database(load(cli.config).settings.storage.dsn)
    cli.does("domain", "add", "new.test")
    with database.asking.begin() as connection:
        made = keys.of_domain(connection, "new.test")
    database.close_now()
    assert [key.algorithm for key in made] == ["rsa-sha256", "ed25519-sha256"]
    assert keys.RSA_FIRST
