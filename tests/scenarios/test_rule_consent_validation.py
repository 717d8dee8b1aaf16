"""Rule 13: commercial mail needs consent where a profile or the operator asks for it."""

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, taken, trace


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
