"""Erasure takes out one person's address and nobody else's."""

from sqlalchemy import Connection, insert, select

from relay.store import approvals, audit, people
from relay.store import schema as t
from relay.store.attempts import DELIVERED
from relay.store.engine import Database
from relay.store.traces import ERASED

NOW = 1_774_353_600_000
BOB, JIMBOB = "bob@example.com", "jimbob@example.com"
TEXT = f"<{BOB}>, Bob@Example.com; {JIMBOB} x-{BOB} {BOB}.au"
BLOTTED = f"<{ERASED}>, {ERASED}; {JIMBOB} x-{BOB} {BOB}.au"


def _sent(connection: Connection, tenant: str, recipient: str) -> str:
    """A submission of a tenant with everything that is kept beside it."""
    send_id = f"send_{tenant}_{recipient}"
    connection.execute(insert(t.sends), {"id": send_id, "tenant_id": tenant, "mailbox_id": "m", "to_header": TEXT})
    whose = {"send_id": send_id, "n": 1}
    delivery = {"recipient": recipient, "recipient_key": recipient, "domain": "example.com", "state": "delivered"}
    connection.execute(insert(t.deliveries), whose | delivery | {"tenant_id": tenant, "mailbox_id": "m"})
    connection.execute(insert(t.attempts), whose | {"number": 1, "reply": TEXT})
    event = {"send_id": send_id, "tenant_id": tenant, "at": NOW, "type": "send.queued", "recipient": recipient}
    seq = connection.execute(insert(t.events).returning(t.events.c.seq), event | {"data": TEXT}).scalar_one()
    call = {"id": f"wdl_{seq}", "webhook_id": "w", "event_seq": seq, "body": TEXT}
    connection.execute(insert(t.webhook_deliveries), call)
    case = {"id": f"inv_{seq}", "tenant_id": tenant, "subject": TEXT, "evidence": TEXT}
    connection.execute(insert(t.investigations), case)
    report = {
        "fingerprint": seq.to_bytes(16, "big"),
        "recipient": recipient.capitalize(),
        "raw": b"",
        "send_id": send_id,
    }
    connection.execute(insert(t.feedback), report)
    return send_id


def _texts(connection: Connection, send_id: str) -> list[str]:
    event = connection.execute(select(t.events).where(t.events.c.send_id == send_id)).one()
    found = [
        connection.execute(select(column).where(key == value)).scalar_one()
        for column, key, value in (
            (t.attempts.c.reply, t.attempts.c.send_id, send_id),
            (t.webhook_deliveries.c.body, t.webhook_deliveries.c.event_seq, event.seq),
            (t.investigations.c.subject, t.investigations.c.id, f"inv_{event.seq}"),
            (t.investigations.c.evidence, t.investigations.c.id, f"inv_{event.seq}"),
        )
    ]
    return [*found, event.data]


def _tenants(connection: Connection) -> None:
    for name in ("a", "b"):
        connection.execute(insert(t.tenants), {"id": name, "name": name})


def test_an_address_that_holds_the_other_one_stays(database: Database) -> None:
    with database.transaction() as connection:
        _tenants(connection)
        bobs, jimbobs = _sent(connection, "a", BOB), _sent(connection, "a", JIMBOB)
        people.erase(connection, ["a", "b"], BOB, BOB, NOW)
        assert _texts(connection, bobs) == _texts(connection, jimbobs) == [BLOTTED] * 5
        heads = connection.execute(select(t.sends.c.id, t.sends.c.to_header)).all()
        assert {row.id: row.to_header for row in heads} == {bobs: ERASED, jimbobs: BLOTTED}
        recipients = set(connection.execute(select(t.events.c.recipient)).scalars())
        assert recipients == {ERASED, JIMBOB}
        assert connection.execute(select(t.feedback.c.recipient)).scalars().all() == [JIMBOB.capitalize()]
        assert set(connection.execute(select(t.deliveries.c.recipient_key)).scalars()) == {ERASED, JIMBOB}


def test_a_refused_message_to_an_address_that_holds_the_other_one_stays_as_it_was(database: Database) -> None:
    with database.transaction() as connection:
        row = {"id": "send_1", "tenant_id": "a", "mailbox_id": "m", "to_header": JIMBOB, "subject": "Hello"}
        connection.execute(insert(t.sends), row)
        people.erase(connection, ["a"], BOB, BOB, NOW)
        kept = connection.execute(select(t.sends.c.to_header, t.sends.c.subject)).one()
    assert tuple(kept) == (JIMBOB, "Hello")


def test_an_alias_nobody_wrote_to_is_forgotten_with_its_person_and_one_written_to_stays(database: Database) -> None:
    c = t.contacts.c
    with database.transaction() as connection:
        _tenants(connection)
        own = {"tenant_id": "a", "mailbox_id": "m"}
        for key, first_at in (("ann+x@x.test", NOW), ("ann@x.test", 0), ("kim+x@x.test", NOW), ("kim@x.test", NOW)):
            connection.execute(insert(t.contacts), own | {"key": key, "first_at": first_at, "alias_at": NOW})
        assert len(people.export(connection, ["a"], "ann+x@x.test")["contacts"]) == 2
        for address in ("ann+x@x.test", "kim+x@x.test"):
            people.erase(connection, ["a"], address, address, NOW)
        assert connection.execute(select(c.key)).scalars().all() == ["kim@x.test"]


def _known(connection: Connection, tenant: str, who: str) -> None:
    """What a tenant keeps of somebody, without a message that was sent; each row is named after both."""
    name, whose = f"{tenant} {who}", {"tenant_id": tenant, "key": who}
    connection.execute(insert(t.consents), whose | {"id": name, "mailbox_id": "m"})
    connection.execute(insert(t.suppressions), whose | {"id": name, "scope": "tenant", "kind": "manual", "note": TEXT})
    connection.execute(insert(t.contacts), whose | {"mailbox_id": name, "first_at": NOW})
    for more in (whose, {"tenant_id": tenant}):  # the second is theirs by the user id alone
        row = {"id": f"{name} {len(more)}", "digest": f"{name} {len(more)}", "type": "bought", "user_id": f"user {who}"}
        connection.execute(insert(t.outcomes), row | more)
    connection.execute(insert(t.people), whose | {"token": name, "address": who})
    connection.execute(insert(t.sends), {"id": name, "tenant_id": tenant, "mailbox_id": "m"})
    connection.execute(insert(t.refused_recipients), {"send_id": name, "token": name})
    connection.execute(insert(t.approvals), {"send_id": name, "tenant_id": tenant, "mailbox_id": "m", "note": TEXT})
    for one in (BOB, JIMBOB):  # both were refused in it
        event = {"send_id": name, "tenant_id": tenant, "at": NOW, "type": "send.blocked", "recipient": one}
        connection.execute(insert(t.events), event)


def test_what_is_known_of_another_or_in_another_tenant_is_neither_told_nor_erased(database: Database) -> None:
    with database.transaction() as connection:
        _tenants(connection)
        for tenant, who in (("a", BOB), ("a", JIMBOB), ("b", BOB)):
            _known(connection, tenant, who)
        told = people.export(connection, ["a"], BOB)
        assert [row["id"] for name in ("consents", "suppressions", "sends") for row in told[name]] == [f"a {BOB}"] * 3
        assert [row["mailbox_id"] for row in told["contacts"]] == [f"a {BOB}"]
        assert {row["id"] for row in told["outcomes"]} == {f"a {BOB} 1", f"a {BOB} 2"}
        assert [(row["send_id"], row["recipient"]) for row in told["events"]] == [(f"a {BOB}", BOB)]
        people.erase(connection, ["a"], BOB, BOB, NOW)
        left = [
            set(connection.execute(query).scalars())
            for query in (
                select(t.consents.c.id),
                select(t.suppressions.c.id).where(t.suppressions.c.note != ""),
                select(t.contacts.c.mailbox_id),
                select(t.people.c.token),
                select(t.outcomes.c.digest).where(t.outcomes.c.key != ""),
                select(t.outcomes.c.digest).where(t.outcomes.c.user_id != "", t.outcomes.c.key == ""),
            )
        ]
        notes = {row.send_id: row.note for row in connection.execute(select(t.approvals)).all()}
    others = {f"a {JIMBOB}", f"b {BOB}"}
    assert left == [others] * 4 + [{f"{one} {n}" for one in others} for n in (2, 1)]
    assert notes == {f"a {BOB}": BLOTTED, f"a {JIMBOB}": BLOTTED, f"b {BOB}": TEXT}


def test_that_somebody_was_reached_is_remembered_of_that_person_by_that_mailbox_alone(database: Database) -> None:
    own = {"tenant_id": "a", "key": BOB, "mailbox_id": "m"}
    with database.transaction() as connection:
        for other in ({}, {"tenant_id": "b"}, {"key": JIMBOB}, {"mailbox_id": "n"}):
            connection.execute(insert(t.contacts), own | other)
        DELIVERED.once(connection, tenant="a", key=BOB, mailbox="m", at=NOW)
        reached = connection.execute(select(t.contacts).where(t.contacts.c.delivered_at == NOW)).all()
    assert [(row.tenant_id, row.key, row.mailbox_id) for row in reached] == [("a", BOB, "m")]


def test_what_is_another_tenants_stays(database: Database) -> None:
    with database.transaction() as connection:
        _tenants(connection)
        ours, theirs = _sent(connection, "a", BOB), _sent(connection, "b", BOB)
        people.erase(connection, ["a"], BOB, BOB, NOW)
        assert _texts(connection, ours) == [BLOTTED] * 5
        assert _texts(connection, theirs) == [TEXT] * 5
        assert list(connection.execute(select(t.feedback.c.send_id)).scalars()) == [theirs]


def test_a_record_holds_no_address_in_whatever_case_and_beside_whatever_sign() -> None:
    body = f'["{BOB}","Lead: BOB@example.com?x","to={BOB}&n=1\\n{BOB}\\n\\u0001{BOB}","{JIMBOB} o\'{BOB}"]'
    told = f'["~T","Lead: ~T?x","to=~T&n=1\\n~T\\n\\u0001~T","{JIMBOB} o\'{BOB}"]'
    assert audit.hidden(body, {BOB: "T"}) == audit.hidden(body, {BOB.title(): "T"}) == told


def test_of_two_addresses_one_inside_the_other_each_has_its_own_token() -> None:
    other = f"to={BOB}"
    assert audit.hidden(f'["{BOB}","{other}","x {other} {BOB}"]', {BOB: "B", other: "O"}) == '["~B","~O","x ~O ~B"]'


def test_who_is_erased_leaves_what_an_approval_binds_and_the_other_recipient_is_let_go(database: Database) -> None:
    own, data = {"send_id": "send_1", "tenant_id": "a", "mailbox_id": "m"}, b"Hello"
    with database.transaction() as connection:
        _tenants(connection)
        connection.execute(insert(t.sends), {"id": "send_1", "tenant_id": "a", "mailbox_id": "m", "subject": "Hello"})
        connection.execute(insert(t.bodies), {"send_id": "send_1", "data": data})
        for n, who in enumerate((BOB, JIMBOB), 1):
            held = {"n": n, "recipient": who, "recipient_key": who, "domain": "example.com", "state": "held"}
            connection.execute(insert(t.deliveries), own | held)
        bound = approvals.bound_digest(data, {}, [BOB, JIMBOB])
        waiting = {"status": "pending", "bound": bound, "requested_at": NOW, "expires_at": NOW + 1}
        connection.execute(insert(t.approvals), own | waiting)
        people.erase(connection, ["a", "b"], BOB, BOB, NOW)
        approvals.approve(connection, "send_1", by="operator", note="", now=NOW)
        states = connection.execute(select(t.deliveries.c.recipient, t.deliveries.c.state)).all()
    assert {row.recipient: row.state for row in states} == {ERASED: "cancelled", JIMBOB: "queued"}
