"""Rule 9: no credential and no planted token leaves, and no reply or trace repeats one."""

import json

import pytest

from tests.scenarios.gate import Gate
from tests.scenarios.verdicts import checked, events, refused, trace
from tests.support.settings import ADMIN_KEY, PASSWORD

CANARY = "vault-canary-58210"
KEYS = {
    "aws access key": "AKIAQ3EGRUHWZB7DKM2X",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7v1Zk3KfYqX0b2Jm\n-----END RSA PRIVATE KEY-----",
    "github token": "ghp_" + "a8Kq2Zr7Vb1Nx5Lw9Tc3Yd6Ue4Hs0Jf2Gm7P",
}


@pytest.mark.parametrize(("kind", "key"), KEYS.items())
def test_a_key_is_refused_and_redacted_everywhere(gate: Gate, kind: str, key: str):
    agent = gate.mailbox()
    message = agent.letter("z1@example.com", "Your login", f"Here is the key you asked for:\n{key}\n")
    said = refused(agent.submit("z1@example.com", message))
    assert said.verdict == (550, "5.7.1", "secret_leak", "human", "change_content")
    assert said.detail.startswith(kind)
    told = trace(gate, said.send)
    checked(told, "content_safety", "failed", reason="secret_leak")
    assert key[:12] not in json.dumps(told) + str(said)
    assert events(gate, said.send) == ["send.blocked"]


def test_the_relays_own_credential_is_known_without_being_stored(gate: Gate):
    agent = gate.mailbox()
    token = "7c4f8e1a-0d52-4b39-9a67-e2b1c05d3f84"  # a provider's, for which username and password are one
    providers = gate.tree["deliveryConfig"]["providers"]
    spare = {"name": "spare", "provider": "postmark", "username": token, "weight": 0}
    gate.change({"deliveryConfig": {"providers": [*providers, spare]}})
    for secret in (agent.password, PASSWORD, ADMIN_KEY, token):
        message = agent.letter("z2@example.com", "Config", f"The password: {secret}")
        said = refused(agent.submit("z2@example.com", message))
        assert said.reason == "secret_leak"
        assert secret not in json.dumps(trace(gate, said.send))
    gate.change({"deliveryConfig": {"providers": providers}})


def test_a_planted_token_is_a_canary_violation_in_the_text_and_in_the_envelope(gate: Gate):
    agent = gate.mailbox({"content_safety": {"canaries": [CANARY]}})
    said = refused(agent.submit("z3@example.com", agent.letter("z3@example.com", "Notes", f"as in {CANARY}, ok")))
    assert said.verdict == (550, "5.7.1", "canary_violation", "human", "change_content")
    assert CANARY not in json.dumps(trace(gate, said.send))
    said = refused(agent.submit(f"{CANARY}@example.com", agent.letter("z3@example.com", "Notes", "nothing to see")))
    assert said.reason == "canary_violation"


def large_bodies(gate: Gate) -> int:
    """Those of large messages: small notices about other tests' mail come at any time."""
    return int(gate.value("SELECT count(*) FROM bodies WHERE length(data) > 100000"))


def test_a_large_message_refused_again_and_again_leaves_nothing_behind(gate: Gate):
    agent = gate.mailbox()
    text = "the key is AKIAQ3EGRUHWZB7DKM2X\n" + "a line of a large message\n" * 15_000
    message = agent.letter("large@example.com", "Your order 4711", text)
    before = large_bodies(gate)
    for _ in range(3):
        assert refused(agent.submit("large@example.com", message)).reason == "secret_leak"
    assert large_bodies(gate) == before
