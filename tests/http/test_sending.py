"""Submission by HTTP: what is answered, what is stored, and what repeats do."""

import asyncio
import base64
from email import message_from_bytes
from email.policy import SMTP

import pytest
from sqlalchemy import text

from relay.store import sends, sent
from tests.http.office import DOMAIN, OTHER

FIELDS = {"sendId", "status", "decision", "reason", "detail", "retry", "retryAfter", "next", "replayed", "checks"}


def deep(levels: int) -> object:
    """A table in a table, so many times."""
    value: object = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


async def test_a_message_is_queued_and_the_answer_has_the_contracts_fields(office):
    told = await office.send()
    assert told.keys() >= FIELDS
    assert (told["status"], told["decision"], told["replayed"]) == ("queued", "approved", False)
    assert told["sendId"].startswith("send_")
    assert {"rate_limit_hourly", "suppression_check", "content_classification"} <= {c["rule"] for c in told["checks"]}


async def test_a_held_message_says_so(office):
    told = await office.send(mailboxId="clerk")
    assert (told["status"], told["decision"], told["next"], told["retry"]) == ("held", "held", "ask_human", "human")


async def test_a_policy_block_is_an_answer_and_not_an_error(office):
    await office.post("/v1/suppressions", {"email": "bob@example.com", "scope": "tenant", "reason": "manual"})
    told = await office.send()
    assert (told["status"], told["decision"], told["reason"]) == ("blocked", "blocked", "suppressed")
    assert (told["retry"], told["next"], told["retryAfter"]) == ("never", "drop_recipient", None)


async def test_a_message_for_later_is_scheduled(office):
    told = await office.send(sendAt="2026-03-25T09:00:00Z")
    assert told["status"] == "scheduled"


@pytest.mark.parametrize("reference", ["agent", f"agent@{DOMAIN}"])
async def test_the_mailbox_may_be_named_by_name_or_address(office, reference):
    assert (await office.send(mailboxId=reference))["status"] == "queued"


async def test_the_key_of_one_mailbox_may_leave_the_mailbox_out(office):
    key = await office.key()
    answered = await office.post("/v1/send/request", {"to": "a@example.com", "subject": "x", "body": "Hi."}, key=key)
    assert answered.json()["status"] == "queued"


async def test_a_repeated_dedupe_key_gets_the_first_answer_whatever_the_body(office):
    first = await office.send(dedupeKey="order-4711")
    again = await office.send(dedupeKey="order-4711", body="Reworded by the agent.")
    assert again["sendId"] == first["sendId"]
    assert (again["replayed"], again["status"], again["decision"]) == (True, "queued", "approved")
    assert [c["rule"] for c in again["checks"]] == [c["rule"] for c in first["checks"]]
    found = (await office.get("/v1/sends?dedupeKey=order-4711")).json()["data"]
    assert [s["sendId"] for s in found] == [first["sendId"]]


async def test_a_replay_says_so_in_a_header(office):
    body = {"mailboxId": "agent", "to": "a@example.com", "subject": "x", "body": "Hi.", "dedupeKey": "k"}
    first = await office.post("/v1/send/request", body)
    assert "idempotent-replayed" not in first.headers
    assert (await office.post("/v1/send/request", body)).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "asked",
    [{"mailboxId": "clerk"}, {"body": "Order \u202e shipped."}, {"sendAt": "2026-12-24T09:00:00Z"}],
    ids=["for approval", "to be changed", "for later"],
)
async def test_a_repeat_of_what_waits_gets_the_first_answer_word_for_word(office, asked):
    first = await office.send(**asked, dedupeKey="k")
    assert first["status"] in ("held", "scheduled")
    assert await office.send(**asked, dedupeKey="k") == first | {"replayed": True}


BODY = {"mailboxId": "agent", "to": "bob@example.com", "subject": "Order 12", "body": "It was shipped."}


async def test_the_same_idempotency_key_and_body_get_the_first_answer(office):
    first = await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})
    again = await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})
    assert again.json() == first.json() | {"replayed": True}
    assert again.headers["idempotent-replayed"] == "true"


async def test_D3_the_same_idempotency_key_for_another_body_is_422_and_sends_nothing(office):
    await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})
    other = await office.post("/v1/send/request", BODY | {"body": "Other."}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await office.get("/v1/sends")).json()["data"]) == 1


async def test_equal_words_that_bring_another_file_are_another_message(office):
    def bringing(octets: bytes) -> dict[str, object]:
        return {"attachments": [{"filename": "invoice.pdf", "content": base64.b64encode(octets).decode()}]}

    first = await office.send(**bringing(b"%PDF-1.4 of March"))
    others = [await office.send(**bringing(b"%PDF-1.4 of April")), await office.send()]
    assert [told["replayed"] for told in others] == [False, False]
    again = await office.send(**bringing(b"%PDF-1.4 of March"))
    assert (again["replayed"], again["sendId"]) == (True, first["sendId"])


async def test_equal_words_for_another_time_are_another_message(office):
    times = ("2026-03-25T09:00:00Z", "2026-03-26T09:00:00Z", None)
    told = [await office.send(sendAt=at) for at in times]
    assert [one["replayed"] for one in told] == [False, False, False]
    again = [await office.send(sendAt=at) for at in ("2026-03-25t10:00:00+01:00", *times[1:])]
    assert [(one["replayed"], one["sendId"]) for one in again] == [(True, one["sendId"]) for one in told]


async def test_a_key_repeats_whatever_the_time(office):
    first = await office.send(sendAt="2026-03-25T09:00:00Z", dedupeKey="k")
    again = await office.send(sendAt="2026-03-26T09:00:00Z", dedupeKey="k")
    assert (again["replayed"], again["sendId"]) == (True, first["sendId"])


async def test_a_request_under_way_is_409(office):
    from hashlib import sha256

    import orjson

    from relay.store import idempotency

    mailbox = (await office.get("/v1/mailboxes/agent")).json()["id"]
    mark = idempotency.mark(mailbox, "k-1")
    raw = orjson.dumps(BODY)
    digest = sha256(raw).hexdigest()
    await office.house.write(lambda c: idempotency.claim(c, mark, digest=digest, now=office.clock.now))
    headers = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
    answered = await office.post("/v1/send/request", content=raw, headers=headers)
    assert (answered.status_code, answered.json()["code"]) == (409, "request_in_progress")
    assert answered.headers["retry-after"] == "1"
    office.clock.advance(61)
    assert (await office.post("/v1/send/request", content=raw, headers=headers)).json()["status"] == "queued"


async def test_a_dedupe_key_replays_whatever_the_recipients_and_even_if_they_are_suppressed(office):
    await office.post("/v1/suppressions", {"email": "gone@example.com", "scope": "tenant", "reason": "manual"})
    first = await office.send(dedupeKey="k")
    for to in ("other@example.com", ["bob@example.com", "more@example.com"], "gone@example.com"):
        again = await office.send(dedupeKey="k", to=to)
        assert again == first | {"replayed": True}
    assert len((await office.get("/v1/sends")).json()["data"]) == 1


async def test_of_two_requests_at_once_under_one_dedupe_key_one_wins(office):
    await office.send()  # the first message of a domain reads its keys
    told = await asyncio.gather(*(office.send(dedupeKey="k", to=f"{n}@example.com") for n in range(6)))
    assert len({one["sendId"] for one in told}) == 1
    assert [one["replayed"] for one in told].count(False) == 1


async def test_an_idempotency_key_is_no_dedupe_key_and_is_shown_as_none(office):
    told = (await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "i1"})).json()
    assert (await office.get(f"/v1/sends/{told['sendId']}")).json()["dedupeKey"] is None
    for key in ("i1", "idempotency-key i1"):
        other = await office.send(dedupeKey=key, to=f"{len(key)}@example.com", body=key)
        assert (other["replayed"], other["sendId"] != told["sendId"]) == (False, True)


async def test_a_claim_that_was_lost_after_the_message_was_taken_does_not_send_it_again(office):
    first = (await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})).json()
    await office.house.write(lambda c: c.execute(text("DELETE FROM idempotency")))
    office.clock.advance(24 * 3600)  # by its content it would be another one
    again = (await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})).json()
    assert (again["sendId"], again["replayed"]) == (first["sendId"], True)


@pytest.mark.parametrize("by", ["dedupeKey", "Idempotency-Key", "content"])
@pytest.mark.parametrize("mailbox", ["clerk", "agent"])
async def test_what_was_withdrawn_or_cancelled_is_sent_when_it_is_asked_for_again(office, by, mailbox):
    body = BODY | {"mailboxId": mailbox, "sendAt": "2026-03-25T09:00:00Z"}
    body |= {"dedupeKey": "k"} if by == "dedupeKey" else {}
    headers = {"Idempotency-Key": "k"} if by == "Idempotency-Key" else {}

    async def send() -> dict[str, object]:
        return (await office.post("/v1/send/request", body, headers=headers)).json()

    first = await send()
    repeated = await send()
    assert (repeated["sendId"], repeated["status"], repeated["replayed"]) == (first["sendId"], first["status"], True)
    if mailbox == "clerk":
        await office.post(f"/v1/approvals/{first['sendId']}", {"decision": "withdraw"})
    else:
        await office.post(f"/v1/sends/{first['sendId']}/cancel")
    again = await send()
    assert (again["status"], again["replayed"]) == (first["status"], False)
    assert again["sendId"] != first["sendId"]


async def test_D5_a_refused_answer_frees_its_idempotency_key(office):
    added = await office.post("/v1/suppressions", {"email": "bob@example.com"})
    refused = await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})
    assert refused.json()["status"] == "blocked"
    await office.call("DELETE", f"/v1/suppressions/{added.json()['id']}")
    again = await office.post("/v1/send/request", BODY, headers={"Idempotency-Key": "k-1"})
    assert again.json()["status"] == "queued"


async def test_a_rate_limit_says_how_long_to_wait(office):
    await office.call("PATCH", "/v1/mailboxes/agent", {"rateLimits": {"hourly": 1}})
    await office.send(to="a@example.com")
    told = await office.send(to="b@example.com")
    assert (told["status"], told["decision"], told["reason"]) == ("blocked", "deferred", "rate_limited")
    assert told["retry"] == "after"
    assert 0 < told["retryAfter"] <= 3660
    assert told["next"] == "wait"


async def test_every_copy_goes_to_the_envelope_and_blind_ones_to_nothing_else(office):
    told = await office.send(to=["a@example.com", "B Two <b@example.com>"], cc="c@example.com", bcc=["d@example.com"])
    data = office.row(lambda c: sends.body(c, told["sendId"]))
    rows = office.row(lambda c: sent.deliveries_of(c, [told["sendId"]]))[told["sendId"]]
    assert [r.recipient for r in rows] == ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
    assert b"d@example.com" not in data
    assert b"\r\nTo: a@example.com, B Two <b@example.com>\r\nCc: c@example.com\r\n" in data


async def test_text_html_inline_image_and_file_become_proper_mime(office):
    image, report = base64.b64encode(b"\x89PNG" * 30).decode(), base64.b64encode(b"1,2,3\n" * 50).decode()
    told = await office.send(
        body=None,
        text="Grüße aus Köln",
        html='<p>Grüße <img src="cid:logo"></p>',
        attachments=[
            {"filename": "logo.png", "content": image, "contentType": "image/png", "contentId": "logo"},
            {"filename": "Übersicht März.csv", "content": report, "contentType": "text/csv"},
        ],
        replyTo="Desk <desk@example.org>",
        headers={"X-Ticket": "4711", "In-Reply-To": "<a@b.example>"},
    )
    message = message_from_bytes(office.row(lambda c: sends.body(c, told["sendId"])), policy=SMTP)
    assert [p.get_content_type() for p in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
    ]
    parts = {p.get_content_type(): p for p in message.walk()}
    assert parts["text/plain"].get_content().rstrip() == "Grüße aus Köln"
    assert parts["image/png"].get_content() == b"\x89PNG" * 30
    assert parts["image/png"]["Content-ID"] == "<logo>"
    assert parts["text/csv"].get_filename() == "Übersicht März.csv"
    assert (message["X-Ticket"], message["In-Reply-To"]) == ("4711", "<a@b.example>")
    assert message["Reply-To"] == "Desk <desk@example.org>"
    assert not message.defects


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": "x\r\nBcc: evil@example.com"}, "subject"),
        ({"subject": "x\u2028Bcc: evil@example.com"}, "subject"),
        ({"subject": "x\u000bBcc: evil"}, "subject"),
        ({"subject": "x\u0085Bcc: evil"}, "subject"),
        ({"to": "bob@example.com\r\nBcc: evil@example.com"}, "to[0]"),
        ({"to": {"email": "bob@example.com", "name": "x\nBcc: e@x.example"}}, "to[0]"),
        ({"headers": {"X-A\r\nBcc": "evil@example.com"}}, "headers"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"headers": {"X-A": "b\r\nBcc: evil@example.com"}}, "headers"),
        ({"headers": {"Bcc": "evil@example.com"}}, "headers"),
        ({"headers": {"X-SMTPAPI": "{}"}}, "headers"),
        ({"headers": {"X-PM-Message-Stream": "x"}}, "headers"),
        ({"headers": {"X-Gatepost-Class": "transactional"}}, "headers"),
        ({"headers": {"Content-Type": "text/html"}}, "headers"),
        ({"attachments": [{"filename": "a\r\nX: y", "content": "QQ=="}]}, "attachments[0].filename"),
        ({"attachments": [{"content": "QQ==", "contentType": "text/plain\r\nX: y"}]}, "attachments[0].contentType"),
        ({"attachments": [{"content": "QQ==", "contentId": "a>\r\nX: y"}]}, "attachments[0].contentId"),
        ({"attachments": [{"content": "QQ==", "contentType": "Message/RFC822"}]}, "attachments[0].contentType"),
        ({"attachments": [{"content": "not base64!"}]}, "attachments[0]"),
        ({"metadata": {"a": "x" * 9000}}, "metadata"),
        ({"mailboxId": ""}, "mailboxId"),
        ({"campaign": "a\nb"}, "campaign"),
        ({"dedupeKey": "a\rb"}, "dedupeKey"),
        ({"to": "not an address"}, "to[0]"),
        ({"to": []}, ""),
        ({"sendAt": "tomorrow"}, "sendAt"),
        ({"sendAt": "2026-03-25T09:00:00"}, "sendAt"),
        ({"dedupe": "x"}, "dedupe"),
        ({"body": "a\x00b"}, "body"),
    ],
)
async def test_P20_what_could_break_out_is_422_and_names_the_field(office, changes, field):
    body = {"mailboxId": "agent", "to": "bob@example.com", "subject": "x", "body": "y"} | changes
    answered = await office.post("/v1/send/request", body)
    assert answered.status_code == 422, answered.text
    assert answered.json()["code"] == "invalid_request"
    assert any(e["field"].startswith(field) for e in answered.json()["errors"]), answered.json()
    assert (await office.get("/v1/sends")).json()["data"] == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"to":"a@example.com","to":"b@example.com"}', "twice"),
        (b'{"subject":"\\ud800"}', "surrogate"),
        (b'{"metadata":{"a":[{"\\ud800":1}]}}', "metadata.a[0] (a name)"),
        (b'{"subject":"\xff"}', "UTF-8"),
        (b'{"metadata":NaN}', "NaN"),
        (b'{"metadata":' + b"9" * 5000 + b"}", "(4300 digits)"),
        (b"[" * 100_000, "deeply"),
        (b"{", "JSON"),
        (b'{"to":' + b'"a@example.com"' * 2 + b"}", "JSON"),
    ],
)
async def test_H21_a_body_with_more_than_one_reading_is_422(office, raw, words):
    answered = await office.post("/v1/send/request", content=raw, headers={"Content-Type": "application/json"})
    assert (answered.status_code, answered.json()["code"]) == (422, "invalid_request")
    assert words in answered.json()["detail"]
    assert "sys." not in answered.json()["detail"]


async def test_H21_a_million_recipients_are_422(office):
    answered = await office.post("/v1/send/request", {"mailboxId": "agent", "to": ["a@b.test"] * 20_000, "body": "x"})
    assert answered.status_code == 422


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.txt", "x.txt"),
        ("con.txt", "_con.txt"),
        ("gpj\u202eexe.png", "gpjexe.png"),
        ("...", "file"),
        ("x" * 5000 + ".pdf", "x" * 100 + ".pdf"),
        ('a"b\\c.txt', "c.txt"),
    ],
)
async def test_H21_file_names_are_made_harmless(office, given, kept):
    told = await office.send(attachments=[{"filename": given, "content": "QUJD"}])
    message = message_from_bytes(office.row(lambda c: sends.body(c, told["sendId"])), policy=SMTP)
    assert [p.get_filename() for p in message.walk() if p.get_filename()] == [kept]


async def test_a_message_over_the_limit_is_413(office):
    content = base64.b64encode(b"x" * 26_000_000).decode()
    answered = await office.post("/v1/send/request", BODY | {"attachments": [{"content": content}]})
    assert (answered.status_code, answered.json()["code"]) == (413, "too_large")


async def test_sending_as_another_mailbox_is_refused_and_foreign_ones_do_not_exist(office):
    key = await office.key()
    other = await office.post("/v1/send/request", BODY | {"mailboxId": "clerk"}, key=key)
    assert (other.status_code, other.json()["code"]) == (403, "human_decision_required")
    foreign = await office.post("/v1/send/request", BODY | {"mailboxId": f"stranger@{OTHER}"}, key=key)
    assert foreign.status_code == 404


async def test_a_sent_message_is_found_by_the_message_id_it_will_carry(office):
    told = await office.send()
    generated = f"<{told['sendId'].lower()}@relay.test>"
    found = (await office.get("/v1/sends", params={"messageId": generated})).json()["data"]
    assert [s["sendId"] for s in found] == [told["sendId"]]


async def test_a_long_or_foreign_subject_survives(office):
    for subject in ("Ünïcödé " * 30, "plain words " * 60, "  padded  ", "=?utf-8?q?not_encoded?="):
        told = await office.send(subject=subject, dedupeKey=subject[:20])
        message = message_from_bytes(office.row(lambda c, i=told["sendId"]: sends.body(c, i)), policy=SMTP)
        assert message["Subject"] == subject


@pytest.mark.parametrize("path", ["/v1/send/request", "/v1/send/simulate", "/v1/analytics/events"])
@pytest.mark.parametrize("value", [10**30, -(10**30), deep(300), deep(252)], ids=["big", "small", "deep", "edge"])
async def test_metadata_that_cannot_be_stored_is_422_and_named(office, path, value):
    body = {"metadata": {"n": value}}
    if path.endswith("events"):
        body |= {"eventType": "trial_started", "email": "bob@example.com"}
    else:
        body |= {"mailboxId": "agent", "to": "bob@example.com", "subject": "s", "body": "b"}
    answered = await office.post(path, body)
    assert answered.status_code == 422, answered.text
    assert answered.json()["errors"][0]["field"] == "metadata"


async def test_as_many_recipients_as_a_call_takes_make_a_well_formed_message(office):
    to = [f"a-recipient-whose-address-takes-a-line-{n}@example.com" for n in range(1000)]
    body = {"mailboxId": "agent", "to": to, "subject": "Your order 4711 has shipped", "body": "It left today."}
    told = (await office.post("/v1/send/simulate", body)).json()
    failing = [check["rule"] for check in told["failing"]]
    assert "recipients_per_message" in failing
    assert "message_form" not in failing
