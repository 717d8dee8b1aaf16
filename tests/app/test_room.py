"""At a bound new mail is refused before it is accepted, and taken again when there is room (R5, R49)."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from relay.store.engine import Database
from relay.store.room import Bounds, Room
from relay.store.sends import NewDelivery, NewSend, insert_sends
from relay.store.writer import Unavailable
from tests.scenarios import letters
from tests.scenarios.verdicts import refused, taken
from tests.support.inside import MakeInside
from tests.support.provider import Provider
from tests.support.settings import ADDRESS, USER
from tests.support.waiting import until

MIB = 1_048_576


def waiting(database: Database, size: int) -> None:
    """One message to two recipients that waits in the queue."""
    texts = (
        *("tenant_id", "mailbox_id", "credential_id", "source", "mail_from", "from_address", "to_header", "subject"),
        *("message_id", "message_class", "decision", "reason", "rule", "detail", "dedupe_key", "campaign", "digest"),
    )
    row: dict[str, Any] = {"id": "send_waits", "size": size, "received_at": 1}
    row |= dict.fromkeys(texts, "") | dict.fromkeys(("metadata", "envelope", "plan"), "{}")
    people = ("ann@example.com", "bob@example.com")
    deliveries = tuple(NewDelivery(n, who, who, "example.com", "queued", 1) for n, who in enumerate(people, 1))
    with database.transaction() as connection:
        insert_sends(connection, [NewSend(row, deliveries, b"")])


@pytest.mark.parametrize(
    ("bounds", "lack"),
    [
        (Bounds(0, 3, 3 * MIB, MIB), ""),
        (Bounds(0, 2, 3 * MIB, MIB), "2 deliveries are waiting, the limit is 2"),
        (Bounds(0, 3, 2 * MIB, 4 * MIB), f"{2 * MIB} octets are waiting, the limit is {2 * MIB}"),
        (Bounds(0, 3, 2 * MIB + 1, 4 * MIB), ""),
    ],
)
async def test_R49_a_queue_at_its_bound_takes_nothing_more(migrated_url: str, bounds: Bounds, lack: str) -> None:
    database = Database(migrated_url)
    waiting(database, MIB)
    room = Room(database, lambda: bounds)
    await room.look()
    assert room.lack == lack
    if lack:
        with pytest.raises(Unavailable) as told:
            room.claim()
        assert told.value.full
    await database.close()


def test_R5_too_little_disk_is_452_before_anything_is_taken_and_passes(
    make_inside: MakeInside, provider: Provider
) -> None:
    inside = make_inside({"storage": {"min_free_space": 1 << 60}}, providers=[provider.settings()])
    with inside.connect() as client:
        said = refused(client.command(f"MAIL FROM:<{ADDRESS}>"))
        assert said.verdict == (452, "4.3.1", "unavailable", "60", "wait")
        with inside.api() as api:
            body = {"mailboxId": USER, "to": "bob@example.com", "subject": "hello", "body": "hello"}
            assert api.post("/v1/send/request", json=body).status_code == 503
        inside.app.settings = inside.app.settings.model_copy(
            update={"storage": inside.app.settings.storage.model_copy(update={"min_free_space": 0})}
        )
        inside.run(inside.app.room.look())
        taken(client.submit(ADDRESS, ["bob@example.com"], letters.receipt(ADDRESS, "bob@example.com")))


@pytest.mark.parametrize("put_back", [False, True])
def test_R7_a_store_that_is_lost_under_a_running_server_takes_nothing_more_and_people_are_told(
    make_inside: MakeInside, provider: Provider, tmp_path: Path, put_back: bool
) -> None:
    inside = make_inside(providers=[provider.settings()])
    file = inside.app.database.file
    assert file is not None
    letter = letters.receipt(ADDRESS, "bob@example.com")
    with inside.connect() as client, inside.api() as api:
        taken(client.submit(ADDRESS, ["bob@example.com"], letter))
        file.rename(tmp_path / "away.db")
        if put_back:
            file.write_bytes((tmp_path / "away.db").read_bytes())
        until(lambda: api.get("/readyz").status_code == 503, 10)
        assert "the store's file was removed or replaced" in api.get("/readyz").json()["missing"]
        assert refused(client.command(f"MAIL FROM:<{ADDRESS}>")).verdict[:2] == (451, "4.3.0")
        assert (
            api.post(
                "/v1/send/request",
                json={"mailboxId": USER, "to": "bob@example.com", "subject": "hello", "body": "hello"},
            ).status_code
            == 503
        )
        gone = api.post("/v1/suppressions", json={"email": "bob@example.com", "reason": "manual"})
        assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
    told = text("SELECT count(*) FROM events WHERE type = 'alert.raised' AND data LIKE '%store_lost%'")
    until(lambda: inside.run(inside.app.writer.run(lambda c: c.execute(told).scalar_one())) == 1, 5)
