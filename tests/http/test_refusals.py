"""What is answered where a message is not taken: what waits, what has no answer now, and what never passes."""

import pytest

BODY = {"mailboxId": "agent", "to": "bob@example.com", "subject": "Order 12", "body": "It was shipped."}


def _rule(name: str, **more: object) -> dict[str, object]:
    """A difference of the installation in one rule."""
    return {"policies": {"default": {"rules": {name: more}}}}


async def _dns_is_down(domains: list[str]) -> dict[str, str]:
    return dict.fromkeys(domains, "unknown")


async def _dns_is_up(domains: list[str]) -> dict[str, str]:
    return dict.fromkeys(domains, "ok")


@pytest.mark.parametrize("differences", [_rule("recipient_valid", check_mx=True)])
async def test_what_a_rule_cannot_read_is_503_and_takes_nothing(office, monkeypatch):
    monkeypatch.setattr(office.app.desk, "_mail_hosts", _dns_is_down)
    headers = {"Idempotency-Key": "k-1"}
    answered = await office.post("/v1/send/request", BODY, headers=headers)
    assert (answered.status_code, answered.json()["code"]) == (503, "unavailable")
    assert int(answered.headers["retry-after"]) > 0
    trace = (await office.get(f"/v1/decisions/{answered.json()['sendId']}")).json()
    assert (trace["decision"], trace["reason"]) == ("deferred", "unavailable")
    assert [one["status"] for one in (await office.get("/v1/sends")).json()["data"]] == ["blocked"]
    monkeypatch.setattr(office.app.desk, "_mail_hosts", _dns_is_up)
    again = await office.post("/v1/send/request", BODY, headers=headers)
    assert again.json()["status"] == "queued"  # the key was free again


@pytest.mark.parametrize("differences", [_rule("recipient_valid", check_mx=True, mode="warn")])
async def test_what_a_rule_that_only_watches_cannot_read_stops_nothing(office, monkeypatch):
    monkeypatch.setattr(office.app.desk, "_mail_hosts", _dns_is_down)
    told = await office.send()
    assert told["status"] == "queued"
    assert [c["status"] for c in told["checks"] if c["rule"] == "recipient_valid"] == ["error"]


@pytest.mark.parametrize("differences", [_rule("recipients_per_message", limit=1)])
async def test_too_many_recipients_never_pass_and_fewer_may(office):
    told = await office.send(to=["a@example.com", "b@example.com"])
    assert (told["status"], told["decision"], told["reason"]) == ("blocked", "blocked", "too_many_recipients")
    assert (told["retry"], told["retryAfter"], told["next"]) == ("never", None, "reduce_recipients")
