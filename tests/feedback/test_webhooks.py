"""Events reach their destinations: signed, in order of planning, none skipped, none for ever."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from relay.feedback.webhooks import TOGETHER, Poster, signing_key
from relay.store import destinations, postings
from relay.store.events import Event, record
from relay.store.postings import DISABLED_AFTER, RETRIES, Declared, body_of
from relay.store.reader import Reader
from relay.store.vault import Vault
from relay.store.writer import Writer
from tests.feedback.ground import NOW, Ground
from tests.feedback.receiver import Receiver
from tests.support.waiting import until

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two octets exact").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of thirty-two octets").decode()


class Office:
    """A poster over a store; what leaves for private networks is allowed unless a test says otherwise."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.vault = Vault(os.urandom(32))
        self.private = True
        self.reader = Reader(ground.database)
        self.writer = Writer(ground.database, on_broken=lambda: None)
        self.writer.start()
        self.poster = Poster(
            reader=self.reader,
            writer=self.writer,
            vault=self.vault,
            clock=lambda: ground.now,
            new_id=ground.new_id,
            body=lambda _, event: body_of(event, {}, _iso),
            is_private=lambda _: self.private,
        )

    def destination(
        self, url: str, events: tuple[str, ...] = ("*",), secret: str = SECRET, tenant: str = "", heard: bool = False
    ) -> str:
        """A new destination; of its addition nobody hears, unless it is to be `heard`."""
        given = {"webhook_id": self.ground.new_id("whk"), "tenant_id": tenant, "url": url, "events": events}
        sealed = self.vault.seal(secret)
        self.ground.do(lambda c: destinations.add(c, **given, secret=sealed, by="tim", now=NOW))
        if not heard:
            self.ground.do(lambda c: c.execute(text("DELETE FROM events WHERE type = 'webhook.added'")))
        return str(given["webhook_id"])

    def happen(self, *kinds: str, **more: Any) -> None:
        self.ground.do(lambda c: record(c, [Event(kind, self.ground.now, **more) for kind in kinds]))

    async def turn(self) -> None:
        """Everything that is due now is posted."""
        for _ in range(20):
            await self.poster.look()
            await self.poster.idle()
            if not self.ground.ask(
                "SELECT 1 FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id"
                " WHERE d.state = 'pending' AND d.due_at <= :now AND w.status = 'active'",
                now=self.ground.now,
            ):
                break

    def posted(self) -> list[tuple[str, int, int]]:
        rows = self.ground.ask("SELECT state, code, attempts FROM webhook_deliveries ORDER BY event_seq")
        return [(row.state, row.code, row.attempts) for row in rows]

    async def close(self) -> None:
        await self.poster.stop()
        await self.writer.stop()
        await self.reader.close()
        await self.ground.database.close()


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


@pytest.fixture
async def office(ground: Ground) -> AsyncIterator[Office]:
    office = Office(ground)
    yield office
    await office.close()


@pytest.fixture
async def offices(both: Ground) -> AsyncIterator[Office]:
    """On each engine."""
    office = Office(both)
    yield office
    await office.close()


MakeReceiver = Callable[..., Receiver]


async def test_an_event_is_posted_once_signed_as_standard_webhooks_says(offices: Office, make_receiver: MakeReceiver):
    receiver = make_receiver((200, b"th\0anks"))  # PostgreSQL takes no NUL in a text
    offices.destination(receiver.url)
    offices.happen("send.queued", send_id="send_1", recipient="bob@example.net", data={"a": 1})
    await offices.turn()
    await offices.turn()
    (call,) = receiver.calls
    assert call.is_signed(SECRET)
    assert not call.is_signed(OTHER)
    assert call.json["type"] == "send.queued"
    assert call.json["timestamp"] == _iso(NOW)
    assert call.json["data"] | {"a": 1, "sendId": "send_1", "recipient": "bob@example.net"} == call.json["data"]
    assert offices.posted() == [("delivered", 200, 1)]
    assert offices.ground.ask("SELECT answer FROM webhook_deliveries")[0].answer == "thanks"


async def test_once_it_has_been_stopped_no_call_begins(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.poster.stop()
    await office.turn()
    assert (list(receiver.calls), office.posted()) == ([], [("pending", 0, 0)])


async def test_an_event_is_known_by_the_id_it_has_in_the_journal(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.turn()
    (event,) = office.ground.ask("SELECT txid, seq FROM events")
    (call,) = receiver.calls
    assert call.json["data"]["eventId"] == f"evt_{event.txid}-{event.seq}"


async def test_many_events_reach_two_destinations_each_once(offices: Office, make_receiver: MakeReceiver):
    receiver, other = make_receiver(), make_receiver()
    offices.destination(receiver.url)
    offices.destination(other.url, ("delivery.*",))
    for _ in range(5):
        offices.happen(*["send.queued", "delivery.delivered"] * 20)
        await offices.turn()
    while len(receiver.calls) < 200:
        await offices.turn()
    await offices.turn()
    assert len({call.json["data"]["eventId"] for call in receiver.calls}) == len(receiver.calls) == 200
    assert {call.json["type"] for call in other.calls} == {"delivery.delivered"}
    assert len(other.calls) == 100


async def test_a_destination_hears_of_its_own_tenant_and_of_its_types(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.destination(receiver.url, ("send.held", "suppression.*"), tenant="ten_1")
    office.happen("send.held", "send.queued", "suppression.created", tenant_id="ten_1")
    office.happen("send.held", tenant_id="ten_2")
    await office.turn()
    assert sorted(call.json["type"] for call in receiver.calls) == ["send.held", "suppression.created"]


async def test_a_destination_begins_at_the_end_of_the_journal(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.happen("send.queued")
    office.destination(receiver.url, heard=True)
    await office.turn()
    assert [call.json["type"] for call in receiver.calls] == ["webhook.added"]


async def test_a_failed_call_is_made_again_after_five_seconds_then_five_minutes_and_so_on(
    offices: Office, make_receiver: MakeReceiver
):
    receiver = make_receiver(*[(500, b"x" * 5_000)] * (len(RETRIES) + 5))
    offices.destination(receiver.url)
    offices.happen("send.queued")
    await offices.turn()
    assert RETRIES[:4] == (5_000, 300_000, 1_800_000, 7_200_000)
    for number, wait in enumerate(RETRIES[:6], 1):
        assert len(receiver.calls) == number
        offices.ground.now += wait - 1
        await offices.turn()
        assert len(receiver.calls) == number
        offices.ground.now += 1
        await offices.turn()
    assert len({dict(call.headers)["webhook-id"] for call in receiver.calls}) == 1
    assert len(offices.ground.ask("SELECT answer FROM webhook_deliveries")[0].answer) == 1_000


async def test_410_disables_the_destination_with_a_notice(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver((410, b"gone"))
    office.destination(receiver.url)
    office.happen("send.queued", "send.held")
    await office.turn()
    row = office.ground.ask("SELECT status, cause FROM webhooks")[0]
    assert (row.status, row.cause) == ("disabled", "it answered 410 Gone")
    assert office.ground.event("webhook.disabled")["url"] == receiver.url
    calls = len(receiver.calls)
    office.happen("send.queued")
    office.ground.now += 10**9
    await office.turn()
    assert len(receiver.calls) == calls


async def test_three_days_of_failing_disable_and_nothing_that_waited_is_lost(
    offices: Office, make_receiver: MakeReceiver
):
    receiver = make_receiver(*[(503, b"")] * 8)
    webhook_id = offices.destination(receiver.url)
    offices.happen("send.queued")
    while offices.ground.ask("SELECT status FROM webhooks")[0].status == "active":
        await offices.turn()
        offices.ground.now += DISABLED_AFTER // 4
        receiver.answers = [(503, b"")] * 3
    assert "three days" in offices.ground.ask("SELECT cause FROM webhooks")[0].cause
    offices.happen("send.held")
    receiver.answers, receiver.calls = [], []
    row = offices.ground.ask("SELECT * FROM webhooks WHERE id = :i", i=webhook_id)[0]
    offices.ground.do(
        lambda c: destinations.change(c, row, url=None, events=None, status="active", by="tim", now=offices.ground.now)
    )
    offices.ground.now += DISABLED_AFTER
    await offices.turn()
    assert {call.json["type"] for call in receiver.calls} == {
        "send.queued",
        "send.held",
        "webhook.disabled",
        "webhook.changed",
    }


async def test_success_ends_the_count_of_failing(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver((500, b""))
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.turn()
    assert office.ground.ask("SELECT failing_since FROM webhooks")[0].failing_since == NOW
    office.ground.now += 5_000
    await office.turn()
    assert office.ground.ask("SELECT failing_since FROM webhooks")[0].failing_since == 0
    assert office.posted() == [("delivered", 200, 2)]


async def test_both_secrets_sign_during_a_rotation(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    webhook_id = office.destination(receiver.url)
    row = office.ground.ask("SELECT * FROM webhooks WHERE id = :i", i=webhook_id)[0]
    office.ground.do(lambda c: destinations.rotate(c, row, office.vault.seal(OTHER), by="tim", now=office.ground.now))
    office.happen("send.queued")
    await office.turn()
    assert receiver.calls[0].is_signed(SECRET)
    assert receiver.calls[0].is_signed(OTHER)


async def test_a_slow_or_dead_destination_holds_up_no_other(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.destination("http://127.0.0.1:9/dead")
    office.destination(receiver.url)
    office.happen(*["send.queued"] * 10)
    await office.turn()
    assert len(receiver.calls) == 10
    failed = office.ground.ask("SELECT answer FROM webhook_deliveries WHERE code = 0")
    assert len(failed) == 10


async def test_redelivery_posts_it_again_under_the_same_id(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.turn()
    row = office.ground.ask("SELECT * FROM webhook_deliveries")[0]
    office.ground.do(lambda c: destinations.redeliver(c, row, office.ground.now))
    await office.turn()
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len(receiver.calls) == 2


async def test_a_crash_during_a_call_costs_one_call(offices: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    offices.destination(receiver.url)
    offices.happen("send.queued")
    await offices.reader.call(lambda _: None)
    plan = lambda c: postings.plan(c, now=NOW, new_id=lambda: "wdl_1", body=lambda _, e: body_of(e, {}, _iso))  # noqa: E731
    offices.ground.do(plan)
    row = offices.ground.ask("SELECT id FROM webhooks")[0]
    claim = lambda c: postings.ClaimHandler()(c, [postings.Claim(row.id, NOW, 8)] * 2)  # noqa: E731
    assert list(map(len, offices.ground.do(claim))) == [1, 0]
    assert offices.ground.do(claim) == [[], []]
    await offices.turn()
    assert receiver.calls == []
    offices.ground.now += 60_000
    await offices.turn()
    assert len(receiver.calls) == 1


async def test_however_many_destinations_no_more_calls_are_under_way_at_once(
    office: Office, make_receiver: MakeReceiver
):
    receiver = make_receiver()
    receiver.is_open.clear()
    for number in range(32):
        office.destination(f"{receiver.url}/{number}")
    office.happen(*["send.queued"] * 4)
    await office.poster.look()
    await asyncio.to_thread(until, lambda: len(receiver.calls) >= TOGETHER)
    with pytest.raises(AssertionError):
        await asyncio.to_thread(until, lambda: len(receiver.calls) > TOGETHER, 0.3)
    receiver.is_open.set()
    await office.poster.idle()
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == len(receiver.calls) == 128


async def test_silent_destinations_leave_places_to_one_that_answers(office: Office, make_receiver: MakeReceiver):
    silent, other = make_receiver(), make_receiver()
    silent.is_open.clear()
    for number in range(9):
        office.destination(f"{silent.url}/{number}")
    office.destination(other.url)
    office.happen(*["send.queued"] * 40)
    await office.poster.look()
    await asyncio.to_thread(until, lambda: len(other.calls) == 40, 8)


def test_an_answer_that_comes_after_another_claim_began_is_not_written(both: Ground):
    both.do(lambda c: c.execute(text("INSERT INTO webhooks (id, url) VALUES ('whk_1', 'https://a.example/')")))
    both.do(lambda c: destinations.test(c, delivery_id="wdl_1", webhook_id="whk_1", body="{}", now=NOW))

    def claim(now: int) -> postings.Posting:
        return both.do(lambda c: postings.ClaimHandler()(c, [postings.Claim("whk_1", now, 8)]))[0][0]

    first, second = claim(NOW), claim(NOW + 60_000)
    for posting, code in ((second, 200), (first, 500)):
        both.do(lambda c, p=posting, code=code: postings.SettleHandler()(c, [postings.Answered(p, code, "", NOW)]))
    (row,) = both.ask("SELECT state, code FROM webhook_deliveries")
    assert (row.state, row.code) == ("delivered", 200)


def test_who_is_furthest_behind_is_planned_first_and_no_plan_is_large(both: Ground):
    for number in range(5):
        both.do(lambda c, n=number: c.execute(text(f"INSERT INTO webhooks (id, url) VALUES ('whk_{n}', 'https://a/')")))
    both.do(lambda c: record(c, [Event("send.queued", NOW)] * 600))
    plan = partial(postings.plan, now=NOW, new_id=lambda: both.new_id("wdl"), body=lambda *_: "{}")
    assert [both.do(plan) for _ in range(3)] == [2_000, 900, 100]
    counts = both.ask(
        "SELECT count(*) AS n, count(DISTINCT event_seq) AS told FROM webhook_deliveries GROUP BY webhook_id"
    )
    assert [(row.n, row.told) for row in counts] == [(600, 600)] * 5


def test_destinations_of_the_file_come_rotate_and_go(both: Ground):
    seal, unseal = str, str

    def declare(*declared: Declared) -> Any:
        both.do(lambda c: postings.declare(c, declared, now=NOW, seal=seal, unseal=unseal))
        return both.ask("SELECT * FROM webhooks WHERE id = 'whk_1'")[0]

    one = Declared("whk_1", "https://hooks.example.com/", ("*",), "first-secret-of-the-file")
    assert (declare(one).status, declare(one).previous_secret) == ("active", "")
    changed = declare(Declared("whk_1", one.url, ("send.*",), "second-secret-of-the-file"))
    assert (changed.secret, changed.previous_secret) == ("second-secret-of-the-file", "first-secret-of-the-file")
    assert declare().status == "disabled"
    assert declare(one).status == "active"
    both.do(lambda c: c.execute(text("UPDATE webhooks SET status = 'disabled', cause = 'it answered 410 Gone'")))
    assert declare(one).status == "disabled"


@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, b"a key of thirty-two octets exact"), ("plain words of a file", b"plain words of a file")],
)
def test_a_secret_is_base64_behind_whsec_or_words(secret: str, key: bytes):
    assert signing_key(secret) == key


async def test_H14_a_redirect_is_an_answer_that_says_where_to_and_is_not_followed(
    office: Office, make_receiver: MakeReceiver
):
    receiver, inside = make_receiver((302, b"")), make_receiver()
    receiver.location = inside.url
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.turn()
    assert inside.calls == []
    assert office.posted() == [("pending", 302, 1)]
    assert office.ground.ask("SELECT answer FROM webhook_deliveries")[0].answer == f"Location: {inside.url}\n"


async def test_H14_what_is_forbidden_is_told_in_the_log_and_tried_again(office: Office, make_receiver: MakeReceiver):
    receiver = make_receiver()
    office.private = False
    office.destination(receiver.url)
    office.happen("send.queued")
    await office.turn()
    assert receiver.calls == []
    assert office.ground.ask("SELECT answer FROM webhook_deliveries")[0].answer == "the URL must be https"
