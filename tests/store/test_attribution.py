"""What is kept of credits is what would be computed from everything that is stored, whatever came when."""

import asyncio
import threading
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, delete, event, insert, select

from policy.attribution import MODELS, Credit, Event, Touch, credited, shared
from policy.usage import DAY
from relay.store import attribution, feedback, outcomes, people
from relay.store import schema as t
from relay.store.attribution import Asked, Terms
from relay.store.engine import Database
from relay.store.events import Event as Happened
from relay.store.events import record
from relay.store.outcomes import NewOutcome
from tests.support.waiting import until_one_waits

NOW = 1_774_353_600_000
TENANT = "ten_1"
TERMS = Terms({"trial_started": 7 * DAY, "deal_closed": 30 * DAY}, 14 * DAY, 7 * DAY)
KEYS = ("a@example.com", "b@example.com", "c@example.com")
DAYS = (-9, -6, -3, -1, 0, 2)


class Letter(Struct, frozen=True):
    """A message that reaches somebody, as the attempt says or as it is told later, and may bounce afterwards."""

    number: int
    key: str
    at: int
    bounces: bool = False
    is_told: bool = False

    @property
    def touch(self) -> Touch:
        return Touch(f"send_{self.number}", self.key, self.at, f"mbx_{self.number % 2}", "spring", "primary")


class Deed(Struct, frozen=True):
    """What a person does, known by an address, a user id, or both."""

    number: int
    type: str
    at: int
    user_id: str
    key: str
    value: str

    @property
    def new(self) -> NewOutcome:
        own = f"evt_{self.number:03}"
        who = (self.user_id, self.key, self.key)
        return NewOutcome(own, TENANT, own, self.type, *who, self.value, "{}", self.at, NOW, own)


moments = st.sampled_from([NOW + day * DAY for day in DAYS])
some = st.sampled_from(KEYS[:2])
letters = st.lists(st.tuples(some, moments, st.booleans(), st.booleans()), min_size=1, max_size=5).map(
    lambda found: [Letter(n, *one) for n, one in enumerate(found)]
)
deeds = st.lists(
    st.tuples(
        st.sampled_from(("trial_started", "deal_closed", "signed_up", outcomes.REPLIED)),
        moments,
        st.sampled_from(("", "u1", "u1", "u2")),
        st.just("") | some,
        st.sampled_from(("0", "99.00", "-0.0000000007", "123456789012.3456789012")),
    ),
    min_size=1,
    max_size=5,
).map(lambda found: [Deed(n, *one) for n, one in enumerate(found)])


def settle(connection: Connection, letter: Letter) -> None:
    """The letter is delivered: as it is stored, and as the journal tells it."""
    touch = letter.touch
    named = {"tenant_id": TENANT, "mailbox_id": touch.mailbox}
    one = {"send_id": touch.send_id, "n": 1}
    send = {"id": touch.send_id, "campaign": touch.campaign, "received_at": letter.at - 10}
    connection.execute(insert(t.sends), named | send)
    delivery = {"recipient": letter.key, "recipient_key": letter.key, "domain": "example.com", "state": "delivered"}
    taken = {"provider": touch.provider, "updated_at": letter.at if letter.is_told else letter.at + 50}
    connection.execute(insert(t.deliveries), named | one | delivery | taken)
    if not letter.is_told:
        connection.execute(insert(t.attempts), one | {"number": 1, "result": "delivered", "ended_at": letter.at})
    told = Happened("delivery.delivered", NOW, TENANT, touch.mailbox, touch.send_id, 1, letter.key)
    record(connection, [told])


def bounce(connection: Connection, letter: Letter) -> None:
    """The letter comes back after all."""
    found = feedback.find(connection, feedback.Clues(frozenset({letter.touch.send_id}), frozenset(), frozenset()))
    for row in found:
        feedback.was_refused(connection, row, now=NOW, reason="hard", reply="550", data={"hard": True})


def keep_up(database: Database, terms: Terms = TERMS) -> None:
    """As the chore does it."""

    async def run(job: Any) -> Any:
        with database.transaction() as connection:
            return job(connection)

    asyncio.run(attribution.keep_up(run, run, asyncio.sleep, terms))


def kept(database: Database) -> dict[str, list[Credit]]:
    """The stored credits by model, in the order of their events."""
    with database.transaction() as connection:
        asked = [Asked(TENANT, model, 0, NOW * 2) for model in MODELS]
        return {one.model: [owed.credit for owed in attribution.page(connection, one, None)] for one in asked}


def computed(letters: list[Letter], deeds: list[Deed]) -> dict[str, list[Credit]]:
    """The same from everything at once, by the rules of the policy alone."""
    known = {u: {d.key for d in deeds if d.user_id == u and d.key} for u in ("u1", "u2")}
    touches = [letter.touch for letter in letters if not letter.bounces]
    found: dict[str, list[Credit]] = {}
    for model in MODELS:
        credits_: list[tuple[Any, Credit]] = []
        for deed in deeds:
            keys = frozenset({deed.key, *known.get(deed.user_id, ())} - {""})
            one = Event(deed.new.id, deed.type, deed.at, keys, Decimal(deed.value))
            windows = dict(TERMS.windows) | {"signed_up": TERMS.otherwise, outcomes.REPLIED: -1}
            owed = shared(one, credited(one, touches, windows[one.type]), model, TERMS.half_life)
            credits_ += [((deed.at, deed.new.id, c.touch.send_id), c) for c in owed]
        found[model] = [credit for _, credit in sorted(credits_, key=lambda pair: pair[0])]
    return found


@given(letters=letters, deeds=deeds, chance=st.randoms(use_true_random=False))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_repetition_and_delay_change_nothing(
    database: Database, letters: list[Letter], deeds: list[Deed], chance: Any
) -> None:
    """Deliveries, bounces and events come in any order, some twice, and credits are brought up in between."""
    happenings: list[Any] = [*letters, *deeds, *chance.sample(deeds, len(deeds) // 2), *[None] * 4]
    chance.shuffle(happenings)
    happenings += [letter for letter in letters if letter.bounces]
    settled: set[int] = set()
    with database.transaction() as connection:
        for table in (t.sends, t.deliveries, t.attempts, t.events, t.outcomes, t.attributions, t.meta):
            connection.execute(delete(table))
    for one in happenings:
        if one is None:
            keep_up(database)
            continue
        with database.transaction() as connection:
            if isinstance(one, Deed):
                outcomes.record_outcome(connection, one.new)
            elif one.number not in settled:
                settle(connection, one)
                settled.add(one.number)
            else:
                bounce(connection, one)
    keep_up(database)
    assert kept(database) == computed(letters, deeds)


DEAL = Deed(1, "deal_closed", NOW, "u1", KEYS[0], "100.00")
LETTER = Letter(1, KEYS[0], NOW - 10 * DAY)


def store(database: Database, *things: Letter | Deed) -> None:
    """Let these happen, one after the other."""
    for one in things:
        with database.transaction() as connection:
            if isinstance(one, Deed):
                outcomes.record_outcome(connection, one.new)
            else:
                settle(connection, one)


def owed(database: Database) -> list[str]:
    return [credit.touch.send_id for credit in kept(database)["linear"]]


def test_a_user_id_seen_with_an_address_later_credits_what_it_did_before(database: Database) -> None:
    store(database, LETTER, replace(DEAL, key=""))
    keep_up(database)
    assert owed(database) == []
    store(database, replace(DEAL, number=2, type=outcomes.REPLIED))
    keep_up(database)
    assert owed(database) == ["send_1"]


def test_a_user_id_seen_with_too_many_addresses_connects_none_of_them(database: Database) -> None:
    several = [replace(DEAL, number=n, key=f"p{n}@example.com") for n in range(2, outcomes.MANY + 2)]
    store(database, LETTER, DEAL, *several[:-1])
    keep_up(database)
    assert owed(database) == ["send_1"] * outcomes.MANY
    store(database, several[-1])
    keep_up(database)
    assert owed(database) == ["send_1"]


def test_what_was_credited_stays_when_retention_takes_the_submission(database: Database) -> None:
    """Even when one more address makes the event be credited again."""
    store(database, LETTER, DEAL)
    keep_up(database)
    with database.transaction() as connection:
        for table in (t.sends, t.deliveries, t.attempts):
            connection.execute(delete(table))
    store(database, Letter(2, KEYS[1], NOW - DAY), replace(DEAL, number=2, key=KEYS[1], type=outcomes.REPLIED))
    keep_up(database)
    assert owed(database) == ["send_1", "send_2"]


def test_other_terms_credit_everything_anew(database: Database) -> None:
    store(database, LETTER, DEAL)
    keep_up(database)
    assert owed(database) == ["send_1"]
    keep_up(database, replace(TERMS, windows={"deal_closed": 7 * DAY}))
    assert owed(database) == []


def test_an_erased_address_is_owed_nothing_and_the_rest_is_shared_anew(database: Database) -> None:
    store(
        database,
        LETTER,
        Letter(2, KEYS[1], NOW - DAY),
        DEAL,
        replace(DEAL, number=2, key=KEYS[1], value="0"),
    )
    keep_up(database)
    with database.transaction() as connection:
        people.erase(connection, [TENANT], KEYS[1], KEYS[1], NOW)
        left = connection.execute(select(t.attributions.c.key).where(t.attributions.c.key == KEYS[1])).all()
    assert left == []
    keep_up(database)
    assert {(c.touch.send_id, c.value) for c in kept(database)["linear"]} == {("send_1", Decimal("100.0000"))}


def test_events_nobody_credits_keep_nobody_from_the_mail(database: Database) -> None:
    """Without events the store is not written to, however much is delivered."""
    store(database, LETTER)
    keep_up(database)
    with database.transaction() as connection:
        assert connection.execute(select(t.meta.c.key).where(t.meta.c.key == attribution.PLACE)).all() == []


def test_an_event_and_a_delivery_of_one_moment_meet_whichever_is_committed_first(migrated_postgres_url: str) -> None:
    """PostgreSQL: the journal is followed past the delivery while the event's transaction still runs."""
    database = Database(migrated_postgres_url)
    store(database, replace(DEAL, number=9, key=KEYS[2], user_id=""))
    keep_up(database)
    with database.transaction() as connection:
        outcomes.record_outcome(connection, DEAL.new)
        store(database, LETTER)
        keep_up(database)
    keep_up(database)
    assert owed(database) == ["send_1"]
    database.close_now()


def test_much_mail_to_one_person_is_credited_a_few_events_at_a_time(database: Database) -> None:
    """Also if each of these events reveals one more address, for which those before are credited again."""
    many = [replace(LETTER, number=n) for n in range(60)]
    store(database, *many, *(replace(DEAL, number=n, key=KEYS[0] if n < 9 else f"p{n}@example.com") for n in range(30)))
    credited_: list[int] = []
    for _ in range(10):
        with database.transaction() as connection:
            attribution.step(connection, TERMS)
        credited_.append(len(kept(database)["last_touch"]))
    assert 0 < credited_[0] < 10
    with database.transaction() as connection:
        assert connection.execute(select(t.outcomes.c.id).where(t.outcomes.c.state != outcomes.CREDITED)).all() == []
    assert credited_[-1] == 30


def test_one_event_reported_to_two_machines_at_once_is_stored_once(migrated_postgres_url: str) -> None:
    database = Database(migrated_postgres_url)
    again = replace(DEAL.new, id="evt_again")
    found: list[str] = []

    def report() -> None:
        with database.transaction() as connection:
            found.append(outcomes.record_outcome(connection, again).id)

    other = threading.Thread(target=report)
    with database.transaction() as connection:
        outcomes.record_outcome(connection, DEAL.new)
        other.start()
        until_one_waits(database)
    other.join()
    assert found == [DEAL.new.id]
    database.close_now()


def test_a_report_is_one_sum_however_many_events_there_are(database: Database) -> None:
    many = [replace(DEAL, number=n, value="0.0000000001") for n in range(300)]
    store(database, LETTER, *many)
    keep_up(database)
    statements: list[str] = []
    with database.transaction() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        (found,) = attribution.brought(connection, Asked(TENANT, "linear", 0, NOW), "mailbox").values()
    assert (found.counted, found.revenue) == ({"deal_closed": Decimal(300)}, Decimal("0.0000000300"))
    assert len(statements) == 1
