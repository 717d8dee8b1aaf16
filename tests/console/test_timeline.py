"""The timeline tells each thing once, in order, with the other side's words."""

from relay.http.console.timeline import steps

NOON = "2026-03-24T12:00:00.{:03}Z"


def attempt(number: int, provider: str, result: str, ended: int, reply: str = "250 ok", to: str = "bob@example.com"):
    return {
        "recipient": to, "number": number, "provider": provider, "result": result, "phase": "FINAL", "reply": reply,
        "beganAt": NOON.format(ended - 5), "endedAt": NOON.format(ended), "milliseconds": 5, "providerId": None,
    }  # fmt: skip


def event(kind: str, at: int, to: str = "bob@example.com", **data: object):
    return {"type": kind, "at": NOON.format(at), "recipient": to, "data": data}


def send(attempts, events, *recipients: str):
    people = recipients or ("bob@example.com",)
    return {
        "receivedAt": NOON.format(0), "source": "smtp", "mailFrom": "agent@sender.test", "mailbox": "agent",
        "decision": "approved", "reason": None, "detail": None, "repeats": 0, "edits": [], "status": "delivered",
        "recipients": [{"recipient": one, "state": "delivered", "reason": "", "nextAttemptAt": ""} for one in people],
        "attempts": attempts, "events": events,
    }  # fmt: skip


def titles(told) -> list[str]:
    return [step.title for step in steps(told)]


def test_an_attempt_stands_for_the_change_it_led_to_though_that_was_written_later():
    told = send([attempt(1, "lab", "delivered", 20)], [event("delivery.delivered", 23, attempt=1)])
    assert titles(told) == ["submitted", "approved", "attempt 1 at lab"]


def test_each_of_several_attempts_keeps_its_own_words():
    tried = [attempt(1, "first", "failed_over", 20, "421 4.7.0 later"), attempt(2, "second", "uncertain", 40, "")]
    told = send(tried, [event("delivery.uncertain", 44, attempt=2)])
    shown = steps(told)[2:]
    assert [(s.title, s.words) for s in shown] == [
        ("attempt 1 at first", "421 4.7.0 later"),
        ("attempt 2 at second", ""),
    ]
    assert [s.note for s in shown] == ["failed over after the final dot", "uncertain after the final dot"]


def test_what_no_attempt_tells_is_told_by_itself():
    told = send([], [event("delivery.bounced", 20, reply="550 5.1.1 no"), event("delivery.opened", 30, eventId="x")])
    assert [(s.title, s.words, s.details) for s in steps(told)[2:]] == [
        ("bounced", "550 5.1.1 no", ()),
        ("opened", "", ()),
    ]


def test_addresses_are_named_where_there_are_several():
    told = send([attempt(1, "lab", "delivered", 20, to="eve@example.com")], [], "bob@example.com", "eve@example.com")
    assert steps(told)[-1].recipient == "eve@example.com"


def test_what_a_restore_set_apart_waits_for_a_person_until_somebody_decides():
    told = send([], [])
    told["recipients"][0] |= {"state": "deferred", "reason": "restored"}
    assert titles(told)[-1] == "waits for a person"
    told["recipients"][0]["state"] = "cancelled"
    assert titles(told)[-1] != "waits for a person"
