"""Rule 13: commercial mail needs consent where a profile or the operator asks for it."""

import pytest

from policy.moment import iso
from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, states, taken, trace


def _consent(gate: Gate, address: str, **more: object) -> None:
    gate.call("POST", "/v1/consents", {"email": address, **more}, 201)


def test_by_default_consent_is_recorded_and_not_asked_for(gate: Gate):
    agent = gate.mailbox()
    _consent(gate, "yes@example.com", basis="express")
    send = taken(agent.submit("yes@example.com", agent.offer("yes@example.com")))
    one = checked(trace(gate, send), "consent_validation", "passed", basis="express")
    assert one["consent_date"]
    taken(agent.submit("nobody@example.com", agent.offer("nobody@example.com")))


def test_where_it_is_required_its_absence_is_refused_at_the_dot(gate: Gate):
    agent = gate.mailbox({"consent_validation": {"required": True}})
    said = refused(agent.submit("asked@example.com", agent.offer("asked@example.com")))
    assert said.verdict == (550, "5.7.1", "no_consent", "human", "get_consent")
    assert said.detail == "asked@example.com: no consent recorded"
    checked(trace(gate, said.send), "consent_validation", "failed", reason="no_consent")
    assert events(gate, said.send) == ["send.blocked"]
    _consent(gate, "asked@example.com")
    taken(agent.submit("asked@example.com", agent.offer("asked@example.com")))
    _consent(gate, "asked@example.com", granted=False)
    assert "revoked" in refused(agent.submit("asked@example.com", agent.offer("asked@example.com"))).detail
    checked(trace(gate, taken(agent.submit("asked@example.com"))), "consent_validation", "skipped")


@pytest.mark.parametrize(
    ("profile", "basis", "country", "passes"),
    [
        ("gdpr", "express", "DE", True),
        ("gdpr", "", "US", True),
        ("gdpr", "published_address", "DE", False),
        ("casl", "existing_business", "CA", True),
        ("can_spam", "", "US", True),
    ],
)
def test_a_profile_asks_for_what_its_law_asks_for(gate: Gate, profile: str, basis: str, country: str, passes: bool):
    agent = gate.mailbox({"consent_validation": {"profiles": [profile], "default_country": country}})
    address = f"{profile}-{basis or 'none'}@example.com".lower()
    if basis:
        _consent(gate, address, basis=basis, jurisdiction=country)
    reply = agent.submit(address, agent.offer(address))
    if passes:
        taken(reply)
    else:
        assert refused(reply).reason == "no_consent"


@pytest.mark.parametrize(
    ("profiles", "jurisdiction"), [(["casl"], "DE"), (["gdpr", "casl", "can_spam"], "JP"), (["can_spam"], "CA")]
)
def test_a_revoked_consent_is_refused_under_every_profile(gate: Gate, profiles: list[str], jurisdiction: str):
    agent = gate.mailbox({"consent_validation": {"profiles": profiles}})
    address = f"no-{jurisdiction.lower()}@example.com"
    _consent(gate, address, granted=False, jurisdiction=jurisdiction)
    said = refused(agent.submit(address, agent.offer(address)))
    assert (said.reason, "consent revoked" in said.detail) == ("no_consent", True)


def test_who_took_consent_back_is_asked_for_under_no_other_spelling_until_that_one_agrees(gate: Gate):
    agent, spellings = gate.mailbox({"consent_validation": {"required": True}}), ("f.red@gmail.com", "fred+x@gmail.com")
    for address in ("fred@gmail.com", *spellings):
        _consent(gate, address)
    gate.later(1)
    _consent(gate, "fred@gmail.com", granted=False)
    for address in spellings:
        said = refused(agent.submit(address, agent.offer(address)))
        assert (said.reason, "consent revoked" in said.detail) == ("no_consent", True)
        assert gate.call("GET", "/v1/consents/check", params={"email": address})["granted"] is False
    gate.later(1)
    _consent(gate, spellings[0])
    taken(agent.submit(spellings[0], agent.offer(spellings[0])))
    assert refused(agent.submit(spellings[1], agent.offer(spellings[1]))).reason == "no_consent"
    assert refused(agent.submit("fred@gmail.com", agent.offer("fred@gmail.com"))).reason == "no_consent"


def test_consent_taken_back_under_another_spelling_while_mail_waits_keeps_it_here(gate: Gate):
    agent, to = gate.mailbox({"consent_validation": {"required": True}}), "hal@example.com"
    _consent(gate, to)
    send = taken(agent.submit(to, agent.offer(to, f"X-Gatepost-Send-At: {iso(gate.clock() + 3_600_000)}")))
    gate.later(1)
    _consent(gate, "hal+news@example.com", granted=False)
    gate.later(3600)
    gate.settled(send)
    assert states(gate, send) == {to: "rejected"}


def test_where_aliases_are_not_folded_consent_is_of_one_spelling(gate: Gate):
    folds = {"suppression_check": {"fold_aliases": False}}
    agent, to = gate.mailbox({"consent_validation": {"required": True}, **folds}), "ida@example.com"
    _consent(gate, to)
    gate.later(1)
    _consent(gate, "ida+x@example.com", granted=False)
    taken(agent.submit(to, agent.offer(to)))
