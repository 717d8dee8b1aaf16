"""Events: every one once, in order, replayable from any place, by page and as a stream."""

import asyncio
from dataclasses import replace
from itertools import count

import orjson
import pytest

from relay.http import front
from relay.http.events import MOST_STREAMS, RECHECK
from tests.http.office import Office


async def page(office, query="", **more):
    answered = await office.get(f"/v1/events{query}", **more)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_events_page_in_order_and_can_be_asked_again(office):
    sent = [(await office.send(to=f"p{n}@example.com"))["sendId"] for n in range(5)]
    first = await page(office, "?limit=3")
    assert (len(first["data"]), first["hasMore"]) == (3, True)
    rest = await page(office, f"?since={first['nextCursor']}")
    assert rest["hasMore"] is False
    assert [e["sendId"] for e in first["data"] + rest["data"]] == sent
    assert await page(office, f"?since={rest['nextCursor']}") == rest | {"data": []}
    more = await office.send(to="new@example.com")
    assert [e["sendId"] for e in (await page(office, f"?since={rest['nextCursor']}"))["data"]] == [more["sendId"]]


async def test_events_are_narrowed_by_type_mailbox_send_and_time(office):
    a = await office.send()
    await office.send(mailboxId="clerk")
    await office.post("/v1/suppressions", {"email": "x@example.com"})
    assert [e["type"] for e in (await page(office, "?types=send.*"))["data"]] == ["send.queued", "send.held"]
    assert [e["type"] for e in (await page(office, "?types=send.held,suppression.created"))["data"]] == [
        "send.held",
        "suppression.created",
    ]
    assert [e["type"] for e in (await page(office, "?mailboxId=clerk"))["data"]] == ["send.held"]
    assert [e["sendId"] for e in (await page(office, f"?sendId={a['sendId']}"))["data"]] == [a["sendId"]]
    assert (await page(office, "?since=2026-03-24T12:00:01Z"))["data"] == []
    assert len((await page(office, "?since=2026-03-24T12:00:00Z"))["data"]) == 3
    assert (await page(office, "?since=now"))["data"] == []


@pytest.mark.parametrize("since", ["x", "evt_1", "evt_a-b", "evt_1-99999999999999999999999999", "2026", "evt_1-²"])
async def test_a_place_that_is_none_is_422(office, since):
    assert (await office.get("/v1/events", params={"since": since})).status_code == 422


async def test_a_place_above_all_events_there_ever_were_is_422_and_one_that_was_removed_is_a_place(office):
    for n in range(3):
        await office.send(to=f"p{n}@example.com")
    newest = (await page(office, "?since=now"))["nextCursor"]
    ahead = newest[:-1] + str(int(newest[-1]) + 1)
    for where in (f"?since={ahead}", "?since=evt_7-1"):
        refused = (await office.get(f"/v1/events{where}")).json()
        assert (refused["status"], "start again with a time, `now` or `0`" in refused["detail"]) == (422, True)
    assert (await office.get(f"/v1/events?cursor={ahead}")).json()["code"] == "bad_cursor"
    assert (await office.get("/v1/events", headers={"Last-Event-ID": ahead})).status_code == 422
    await office.house.write(lambda c: c.exec_driver_sql("DELETE FROM events"))
    assert await page(office, f"?since={newest}") == {"data": [], "nextCursor": newest, "hasMore": False}


async def test_a_key_hears_of_its_own_mailbox_alone(office):
    await office.send(mailboxId="clerk")
    await office.send(mailboxId="stranger")
    await office.send()
    assert [e["type"] for e in (await page(office, key=await office.key()))["data"]] == ["send.queued", "key.created"]


class Listener:
    """A reader of the stream, over the application itself: what is sent is seen at once."""

    def __init__(self, office, **headers):
        self.office, self.events, self.seen = office, [], asyncio.Event()
        self.gone = asyncio.Event()
        self.rest = b""
        self.headers = {"authorization": "Bearer an-operators-key-0123456789abcdef", "accept": "text/event-stream"}
        self.headers |= headers
        self.task = asyncio.create_task(self.listen())

    async def listen(self):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/v1/events",
            "raw_path": b"/v1/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
            "client": ("192.0.2.9", 1),
            "server": ("relay.test", 80),
        }
        asked = False

        async def receive():
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        await self.office.api(scope, receive, self.take)

    async def take(self, message):
        if message["type"] == "http.response.start":
            self.status, self.kind = message["status"], dict(message["headers"])[b"content-type"]
        self.rest += message.get("body", b"")
        *whole, self.rest = self.rest.split(b"\n\n")
        for block in whole:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line[:1] != b":")
            if b"data" in fields:
                assert orjson.loads(fields[b"data"])["id"].encode() == fields[b"id"]
                self.events.append((fields[b"id"].decode(), fields[b"event"].decode()))
        self.seen.set()

    async def until(self, count):
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self.seen.clear()
                await self.seen.wait()

    async def close(self):
        self.gone.set()
        async with asyncio.timeout(20):
            await self.task


async def test_a_stream_tells_everything_once_and_is_taken_up_where_it_broke(office, monkeypatch):
    monkeypatch.setattr(front, "PATIENCE", 0)  # for a body: a stream may last
    await office.send(to="a@example.com")
    listener = Listener(office)
    await listener.until(1)
    assert listener.kind.startswith(b"text/event-stream")
    await office.send(to="b@example.com")
    await office.send(to="c@example.com", mailboxId="clerk")
    await listener.until(3)
    await listener.close()
    await office.send(to="d@example.com")
    again = Listener(office, **{"last-event-id": listener.events[1][0]})
    await again.until(2)
    await again.close()
    assert [kind for _, kind in listener.events] == ["send.queued", "send.queued", "send.held"]
    assert [kind for _, kind in again.events] == ["send.held", "send.queued"]
    assert again.events[0] == listener.events[2]
    for query in ("?since=0", f"?cursor={listener.events[0][0]}"):  # the address, which a browser asks again
        broken = await page(office, query, headers={"Last-Event-ID": listener.events[1][0]})
        assert [event["id"] for event in broken["data"]] == [name for name, _ in again.events]


@pytest.mark.parametrize("is_draining", [False, True])
async def test_a_stream_ends_with_the_process_and_soon_after_its_key_was_revoked(office, is_draining):
    key, pauses = await office.key(), count()

    async def passing(_seconds):
        if (passed := next(pauses)) == 0:
            (own,) = (await office.get("/v1/me/keys", key=key)).json()["data"]
            await office.call("DELETE", f"/v1/me/keys/{own['id']}", key=key)
            office.app.ready = not is_draining
        assert passed < (1 if is_draining else RECHECK)

    hurried = Office(office.app, replace(office.house, pause=passing), office.clock, office.dns)
    told = await hurried.get("/v1/events", headers={"Accept": "text/event-stream"}, key=key)
    assert ("key.revoked" in told.text) is not is_draining


async def test_a_key_has_so_many_streams_and_gets_another_when_one_ends(office):
    key, other = await office.key(), await office.key()
    open_streams = []

    async def begin(whose):
        open_streams.append(Listener(office, authorization=f"Bearer {whose}"))
        await open_streams[-1].until(1)

    for _ in range(MOST_STREAMS):
        await begin(key)
    refused = await office.get("/v1/events", headers={"Accept": "text/event-stream"}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    await begin(other)
    await open_streams[0].close()
    await begin(key)
    for listener in open_streams[1:]:
        await listener.close()


async def test_a_pager_that_gives_the_cursor_back_comes_to_the_end(office):
    sent = [(await office.send(to=f"p{n}@example.com"))["sendId"] for n in range(5)]
    seen, query = [], "?limit=2"
    while (told := await page(office, query))["hasMore"]:
        seen += told["data"]
        query = f"?limit=2&cursor={told['nextCursor']}"
    assert [e["sendId"] for e in seen + told["data"]] == sent


async def test_a_cursor_that_contradicts_since_or_is_none_is_422(office):
    await office.send()
    assert (await page(office, "?since=evt_0-1&cursor=evt_0-1"))["data"] == []
    refused = await office.get("/v1/events?since=evt_0-1&cursor=evt_0-2")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "cursor")
    for cursor in ("now", "evt_0-1x", f"evt_{1 << 64}-1"):
        assert (await office.get(f"/v1/events?cursor={cursor}")).json()["code"] == "bad_cursor"


async def test_a_type_that_never_happens_is_422_as_for_webhooks(office):
    refused = await office.get("/v1/events?types=send.*,send.heldd")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "types")
    assert "did you mean send.held?" in refused.json()["detail"]
