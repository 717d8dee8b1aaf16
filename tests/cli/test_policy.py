"""policy test and replay, audit: what would be decided, what would change, and that nothing was changed."""

import json

import pytest
import yaml

from config.loader import load
from relay.store.engine import Database
from tests.cli.traffic import BOB, letter, submitted
from tests.support.settings import ADDRESS, merged
from tests.support.waiting import until

CANARY = "zebra-crossing-7719-canary"
OFFER = letter("50% off everything").replace(b"We received your payment", b"Buy now and save, today only")
RECEIPT = letter()


@pytest.fixture
def message(tmp_path):
    """Writes a message file; its path."""

    def write(data: bytes) -> str:
        path = tmp_path / "message.eml"
        path.write_bytes(data)
        return str(path)

    return write


def test_the_whole_cascade_is_asked_and_nothing_is_stored(cli, message):
    name = cli.config.parent / "data" / "instance"  # of this machine, which its server makes
    name.unlink()
    said = cli.does("policy", "test", message(OFFER), "--mailbox", "agent", "--to", BOB, "--json").json
    assert (said["decision"], said["messageClass"]) == ("approved", "commercial")
    assert "List-Unsubscribe-Post" in said["edits"]
    assert {"tenant_active", "suppression_check", "rate_limit_hourly", "autonomy_level"} <= {
        check["rule"] for check in said["checks"]
    }
    assert (cli.does("audit", "verify", "--json").json["records"], name.exists()) == (0, False)


def test_a_message_with_bare_newlines_is_read_as_well(cli, message):
    said = cli.does("policy", "test", message(RECEIPT.replace(b"\r\n", b"\n")), "--mailbox", "agent", "--to", BOB)
    assert "transactional" in said.out


def test_a_refusal_exits_with_1_and_names_every_failing_rule(cli, message):
    cli.does("suppression", "add", BOB, "--reason", "complaint")
    forged = OFFER.replace(ADDRESS.encode(), b"ceo@sender.test")
    said = cli("policy", "test", message(forged), "--mailbox", "agent", "--to", BOB, "--json")
    assert said.code == 1
    assert {check["rule"] for check in said.json["failing"]} == {"sender_identity", "suppression_check"}
    shown = cli("policy", "test", message(forged), "--mailbox", "agent", "--to", BOB)
    assert "✗ suppression_check" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--mailbox", "nobody", "--to", BOB), 1), (("--mailbox", "agent", "--to", "no address"), 2), ((), 2)],
)
def test_a_test_that_makes_no_sense_says_so(cli, message, arguments, code):
    assert cli("policy", "test", message(OFFER), *arguments).code == code


def test_a_message_file_that_is_not_there_is_told(cli, tmp_path):
    said = cli("policy", "test", str(tmp_path / "none.eml"), "--mailbox", "agent", "--to", BOB)
    assert (said.code, "none.eml" in said.err) == (1, True)


def test_replay_tells_both_directions_and_the_same_policy_changes_nothing(make_inside, provider, beside, tmp_path):
    watchful = {"policies": {"default": {"rules": {"content_safety": {"canaries": [CANARY]}}}}}
    inside = make_inside(watchful, providers=[provider.settings()])
    cli = beside(inside)
    for n in range(3):
        submitted(inside, to=f"person{n}@example.net", subject=f"Receipt for order {n}")
    assert inside.submit([BOB], letter(f"Receipt for {CANARY}")).code == 550
    until(lambda: cli.does("audit", "verify", "--json").json["records"] == 4)  # a refusal waits for no commit

    same = cli.does("policy", "replay", "--since", "1d", "--with", str(cli.config), "--json").json
    assert (same["decisions"], same["changed"]) == (4, 0)

    looser = _candidate(cli, tmp_path, {"policies": {"default": {"rules": {"content_safety": {"mode": "off"}}}}})
    report = cli.does("policy", "replay", "--since", "1d", "--with", looser, "--json").json
    assert report["byRule"] == {"content_safety": {"stricter": 0, "looser": 1, "reason": 0}}
    stricter = _candidate(cli, tmp_path, {"policies": {"default": {"rateLimits": {"hourly": 1}}}})
    report = cli.does("policy", "replay", "--since", "1d", "--with", stricter, "--json").json
    assert report["byMailbox"] == {"agent": {"stricter": 2, "looser": 0, "reason": 0}}
    blocked = _candidate(cli, tmp_path, {"policies": {"default": {"rules": _allow_only("person1@example.net")}}})
    report = cli.does("policy", "replay", "--since", "1d", "--with", blocked, "--json").json
    assert report["byRule"]["recipient_allowed"] == {"stricter": 2, "looser": 0, "reason": 0}
    shown = cli.does("policy", "replay", "--with", blocked).out
    assert "Would let through" in shown


def test_replay_takes_a_whole_file_or_what_changes_in_it_and_names_what_it_cannot_try(
    make_inside, provider, beside, tmp_path
):
    inside = make_inside(providers=[provider.settings()])
    cli = beside(inside)
    submitted(inside, to="ann@house.test")
    submitted(inside, to="eve@example.net", subject="Another receipt")
    agent = yaml.safe_load(cli.config.read_text())["mailboxes"][0]
    asked = {"mailboxes": [agent | {"autonomyLevel": "human_approved"}], "internal_domains": ["house.test"]}
    report = cli.does("policy", "replay", "--with", _candidate(cli, tmp_path, asked), "--json").json
    assert report["byRule"] == {"autonomy_level": {"stricter": 1, "looser": 0, "reason": 0}}
    assert report["notTried"] == []
    renamed = _candidate(cli, tmp_path, {"mailboxes": [agent | {"name": "clerk", "rateLimits": {"hourly": 1}}]})
    report = cli.does("policy", "replay", "--with", renamed, "--json").json
    assert report["byRule"] == {"rate_limit_hourly": {"stricter": 1, "looser": 0, "reason": 0}}
    gone = _candidate(cli, tmp_path, {"mailboxes": []})
    assert cli.does("policy", "replay", "--with", gone, "--json").json["byRule"]["mailbox_active"]["stricter"] == 2
    rules = {"content_safety": {"canaries": [CANARY]}, "warmup": {"mode": "enforce"}}
    part = tmp_path / "part.yaml"
    part.write_text("version: 1\npolicies: {default: {rules: {recipient_allowed: {domains: [house.test]}}}}\n")
    report = cli.does("policy", "replay", "--with", str(part), "--json").json
    assert report["byRule"] == {"recipient_allowed": {"stricter": 1, "looser": 0, "reason": 0}}
    assert report["notTried"] == []
    part.write_text("version: 1\nrateLimits: {hourly: 1}\n")
    report = cli.does("policy", "replay", "--with", str(part), "--json").json
    assert report["byRule"] == {"rate_limit_hourly": {"stricter": 1, "looser": 0, "reason": 0}}
    unknown = {"policies": {"default": {"rules": rules}}, "tenants": [{"name": "default", "rateLimits": {"hourly": 1}}]}
    path = _candidate(cli, tmp_path, unknown)
    report = cli.does("policy", "replay", "--with", path, "--json").json
    assert report["notTried"] == ["tenants[default]", "content_safety.canaries", "warmup"]
    assert "Not tried" in cli.does("policy", "replay", "--with", path).out


def test_replay_judges_by_what_tightened_the_mailbox_at_the_time(make_inside, provider, beside):
    inside = make_inside(providers=[provider.settings()])
    cli = beside(inside)
    told = inside.call("PATCH", "/v1/mailboxes/agent", {"autonomyLevel": "human_approved"})
    assert told["autonomyLevel"] == cli("mailbox", "show", "agent", "--json").json["autonomyLevel"]
    inside.submit([BOB], letter())
    report = cli.does("policy", "replay", "--since", "1d", "--with", str(cli.config), "--json").json
    assert (report["decisions"], report["changed"]) == (1, 0)


def test_replay_judges_no_word_of_a_person(make_inside, provider, beside):
    inside = make_inside(providers=[provider.settings()])
    cli = beside(inside)
    inside.call("PATCH", "/v1/mailboxes/agent", {"autonomyLevel": "human_approved"})
    cli.does("hold", "reject", submitted(inside))
    assert cli.does("audit", "verify", "--json").json["records"] == 3  # one of the change above
    report = cli.does("policy", "replay", "--since", "1d", "--with", str(cli.config), "--json").json
    assert (report["decisions"], report["changed"]) == (1, 0)


def test_replay_tells_what_was_refused_before_there_was_a_message(make_inside, provider, beside, tmp_path):
    strict = {"policies": {"default": {"rateLimits": {"hourly": 1}, "rules": _allow_only("person0@example.net")}}}
    inside = make_inside(strict, providers=[provider.settings()])
    cli = beside(inside)
    assert inside.submit([BOB], letter()).code == 550
    submitted(inside, to="person0@example.net")
    assert inside.submit(["person0@example.net"], letter("Another")).code == 451
    until(lambda: cli.does("audit", "verify", "--json").json["records"] == 3)
    looser = _candidate(
        cli, tmp_path, {"policies": {"default": {"rateLimits": {"hourly": 9}, "rules": _allow_only(BOB)}}}
    )
    report = cli.does("policy", "replay", "--with", looser, "--json").json
    assert report["byRule"] == {
        "rate_limit_hourly": {"stricter": 0, "looser": 1, "reason": 0},
        "recipient_allowed": {"stricter": 1, "looser": 1, "reason": 0},
    }


def test_a_candidate_that_cannot_be_used_is_bad_configuration(cli, tmp_path):
    (tmp_path / "bad.yaml").write_text("version: 1\nsmpt: {}\n")
    assert cli("policy", "replay", "--with", str(tmp_path / "bad.yaml")).code == 2
    assert cli("policy", "replay", "--with", str(cli.config), "--since", "soon").code == 2
    assert "No decision" in cli.does("policy", "replay", "--with", str(cli.config)).out


def test_the_chain_holds_is_exported_and_a_changed_record_is_named(inside, beside):
    cli = beside(inside)
    sends = [submitted(inside, subject=f"Receipt for order {n}", to=f"person{n}@example.net") for n in range(3)]
    assert cli.does("audit", "verify", "--json").json["holds"]
    exported = [json.loads(line) for line in cli.does("audit", "export").out.splitlines()]
    assert [line["sendId"] for line in exported] == sends
    assert "person0@example.net" not in cli.does("audit", "export", "--since", "1h").out
    _tamper(cli, sends[1])
    said = cli("audit", "verify")
    assert said.code == 1
    assert sends[1] in said.err
    assert not cli("audit", "verify", "--json").json["holds"]


def _candidate(cli, tmp_path, changes) -> str:
    path = tmp_path / "candidate.yaml"
    path.write_text(yaml.safe_dump(merged(yaml.safe_load(cli.config.read_text()), changes)))
    return str(path)


def _allow_only(address: str):
    return {"recipient_allowed": {"addresses": [address]}}


def _tamper(cli, send_id: str) -> None:
    """What somebody does who has the database: drops the trigger, changes one octet."""
    database = Database(load(cli.config).settings.storage.dsn)
    with database.writing.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER decisions_no_update")
        connection.exec_driver_sql(
            "UPDATE decisions SET record = replace(record, 'approved', 'Approved') WHERE send_id = ?", (send_id,)
        )
    database.close_now()
