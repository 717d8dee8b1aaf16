"""Outcomes: the brief's fields, and numbers that add up."""

import csv
import io
import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from policy.moment import exact
from policy.usage import DAY
from relay.store import feedback, sent, volumes
from tests.http.office import DOMAIN, PROVIDERS
from tests.support.clock import NOON

TRIAL = {
    "eventType": "trial_started",
    "userId": "user_12345",
    "email": "prospect@example.com",
    "timestamp": "2026-03-24T12:00:00Z",
    "value": 99.00,
    "metadata": {"plan": "starter", "source": "agent_outreach"},
}


@pytest.mark.parametrize("written", ["dealClosed", "Deal closed", "DEAL-CLOSED", "DealClosed"])
async def test_one_kind_of_event_has_one_name_however_it_is_written(office, written):
    ids = set()
    for kind in ("deal_closed", written):
        taken = await office.post("/v1/analytics/events", TRIAL | {"eventType": kind})
        ids.add((taken.status_code, taken.json()["eventId"]))
    assert [status for status, _ in ids] == [202]  # the second repeats the first


async def test_an_event_of_no_name_is_422(office):
    refused = await office.post("/v1/analytics/events", TRIAL | {"eventType": "--"})
    assert (refused.status_code, "eventType" in refused.text) == (422, True)


async def delivered(office, to, at, **changes):
    told = await office.send(to=to, body=f"Hello {at}", subject=f"Note {at}", **changes)
    statement = text("UPDATE deliveries SET state = 'delivered', updated_at = :at WHERE send_id = :id")
    await office.house.write(lambda c: c.execute(statement, {"at": at, "id": told["sendId"]}))
    await office.house.write(
        lambda c: c.execute(text("UPDATE sends SET received_at = :at WHERE id = :id"), {"at": at, "id": told["sendId"]})
    )
    return told["sendId"]


async def test_an_event_credits_the_touches_in_its_window(office):
    await delivered(office, "prospect@example.com", NOON - 8 * DAY)
    touch = await delivered(office, "prospect@example.com", NOON - 6 * DAY)
    await delivered(office, "prospect@example.com", NOON + 1)
    answered = await office.post("/v1/analytics/events", TRIAL)
    assert answered.status_code == 202
    told = answered.json()
    assert told["attributed"] is True
    assert told["touches"] == [{"sendId": touch, "weight": 1.0}]
    again = (await office.post("/v1/analytics/events", TRIAL)).json()
    assert (again, told["replayed"]) == (told | {"replayed": True}, False)
    other = await office.key(f"agent:clerk@{DOMAIN}", "manage")
    assert (await office.post("/v1/analytics/events", TRIAL, key=other)).json()["touches"] == []


async def test_an_event_nobody_wrote_about_is_nobodys(office):
    told = (await office.post("/v1/analytics/events", TRIAL)).json()
    assert (told["attributed"], told["touches"]) == (False, [])


async def test_events_are_one_by_their_id_whatever_else_they_say(office):
    first = (await office.post("/v1/analytics/events", TRIAL | {"eventId": "e1"})).json()
    again = (await office.post("/v1/analytics/events", TRIAL | {"eventId": "e1", "value": 5})).json()
    assert first["eventId"] == again["eventId"] == "e1"
    assert (first["replayed"], again["replayed"]) == (False, True)
    outcomes = (await office.get("/v1/analytics/outcomes?period=30d")).json()["outcomes"]
    assert outcomes == {"trials_started": 0, "revenue_attributed": 0.0}


async def test_an_empty_id_is_no_id(office):
    taken = [await office.post("/v1/analytics/events", TRIAL | {"eventId": "", "value": n}) for n in (1, 2)]
    assert len({answer.json()["eventId"] for answer in taken} - {""}) == 2


async def test_a_repeated_event_is_told_as_it_was_first_reported(office):
    first = await delivered(office, "prospect@example.com", NOON - DAY)
    event = {"eventType": "deal_closed", "email": "prospect@example.com"}
    await office.post("/v1/analytics/events", event)
    office.clock.advance(600)
    await delivered(office, "prospect@example.com", NOON + 1000)
    again = (await office.post("/v1/analytics/events", event)).json()
    assert (again["touches"], again["replayed"]) == ([{"sendId": first, "weight": 1.0}], True)


async def test_a_reply_is_told_to_be_no_outcome_as_the_report_has_it(office):
    await delivered(office, "prospect@example.com", NOON - DAY)
    told = (await office.post("/v1/analytics/events", TRIAL | {"eventType": "replied"})).json()
    assert (told["attributed"], told["touches"]) == (False, [])


async def test_an_event_that_has_not_happened_yet_is_refused_but_a_clock_may_be_ahead(office):
    ahead = [await office.post("/v1/analytics/events", TRIAL | {"timestamp": exact(NOON + n)}) for n in (DAY, DAY + 1)]
    assert [answer.status_code for answer in ahead] == [202, 422]
    assert ahead[1].json()["errors"][0]["field"] == "timestamp"


async def test_events_credited_to_none_are_told_so_that_the_report_adds_up_to_what_was_reported(office):
    await delivered(office, "prospect@example.com", NOON - DAY)
    for email in ("prospect@example.com", "a@example.com", "b@example.com"):
        await office.post("/v1/analytics/events", TRIAL | {"email": email, "userId": ""})
    told = (await office.get("/v1/analytics/outcomes")).json()
    assert (told["outcomes"]["trials_started"], told["unattributed"]) == (1, {"trials_started": 2})
    own = (await office.get("/v1/analytics/outcomes", key=await office.key(f"agent:clerk@{DOMAIN}"))).json()
    assert (own["outcomes"], "unattributed" in own) == ({"revenue_attributed": 0.0}, False)


async def test_a_user_id_seen_with_an_address_credits_its_touches(office):
    touch = await delivered(office, "prospect@example.com", NOON - DAY)
    await office.post("/v1/analytics/events", TRIAL | {"eventType": "signed_up"})
    told = (await office.post("/v1/analytics/events", TRIAL | {"email": None, "eventId": "x"})).json()
    assert [t["sendId"] for t in told["touches"]] == [touch]


async def test_the_report_has_the_briefs_fields_and_sums(office):
    own = await office.tenant()
    sent_by = [(own, NOON - DAY, "mbx_x", "primary", "")] * 1000
    await office.house.write(lambda c: volumes.add(c, sent_by))
    for n in range(4):
        await delivered(office, f"p{n}@example.com", NOON - DAY, campaign="spring" if n % 2 else "autumn")
        await office.post(
            "/v1/analytics/events", TRIAL | {"email": f"p{n}@example.com", "userId": "", "value": "12.50"}
        )
    told = (await office.get("/v1/analytics/outcomes?period=30d&groupBy=campaign")).json()
    assert told["period"] == "30d"
    assert told["totalEmails"] == 1000
    assert told["outcomes"] == {"trials_started": 4, "revenue_attributed": 50.0}
    assert told["costPerOutcome"].keys() == {"trial"}
    assert {g["campaign"]: g["outcomes"]["revenue_attributed"] for g in told["groups"]} == {
        "": 0.0,  # the thousand messages of no campaign
        "autumn": 25.0,
        "spring": 25.0,
    }
    by_mailbox = (await office.get("/v1/analytics/outcomes?period=30d&groupBy=mailbox")).json()["groups"]
    assert [(g["mailbox"], g["outcomes"].get("trials_started", 0)) for g in by_mailbox] == [("agent", 4), ("mbx_x", 0)]


async def test_a_month_counts_what_lies_in_it_and_nothing_of_the_next(office):
    own, march = await office.tenant(), NOON - NOON % DAY - 23 * DAY
    copies = [(own, at, "mbx_x", "primary", "") for at in (march - 1, march, march)]
    await office.house.write(lambda c: volumes.add(c, copies))
    for at, value in ((march - 1, 5), (march, 7)):
        await delivered(office, "prospect@example.com", at)
        await office.post("/v1/analytics/events", TRIAL | {"timestamp": exact(at), "value": value})
    told = [(await office.get(f"/v1/analytics/outcomes?period=2026-0{n}&groupBy=mailbox")).json() for n in (2, 3)]
    assert [month["totalEmails"] for month in told] == [1, 2]
    assert [month["outcomes"]["revenue_attributed"] for month in told] == [5, 7]


@pytest.mark.parametrize("model", ["last_touch", "first_touch", "linear", "time_decay"])
async def test_credits_sum_to_the_event_under_every_model(office, model):
    for days in (1, 2, 3):
        await delivered(office, "prospect@example.com", NOON - days * DAY)
    await office.post("/v1/analytics/events", TRIAL | {"value": "100.01"})
    told = (await office.get(f"/v1/analytics/outcomes?period=30d&model={model}")).json()
    assert told["outcomes"] == {"trials_started": 1, "revenue_attributed": 100.01}


async def by_provider(office, to, provider, at, **changes):
    """A message a provider took, counted as settling counts it."""
    send_id = await delivered(office, to, at, **changes)
    row = office.row(lambda c: sent.one(c, send_id)).row
    statement = text("UPDATE deliveries SET provider = :provider WHERE send_id = :id")

    def job(connection):
        connection.execute(statement, {"provider": provider, "id": send_id})
        volumes.add(connection, [(row.tenant_id, at, row.mailbox_id, provider, row.campaign)])

    await office.house.write(job)
    return send_id


async def test_the_report_is_told_by_provider(office):
    for to, provider in (("a@example.com", "primary"), ("b@example.com", "primary"), ("c@example.com", "second")):
        await by_provider(office, to, provider, NOON - DAY)
        await office.post("/v1/analytics/events", TRIAL | {"email": to, "userId": "", "value": "10.00"})
    told = (await office.get("/v1/analytics/outcomes?groupBy=provider")).json()
    groups = {g["provider"]: (g["totalEmails"], g["outcomes"]["revenue_attributed"]) for g in told["groups"]}
    assert groups == {"primary": (2, 20.0), "second": (1, 10.0)}


PRICED = [provider | {"price": price} for provider, price in zip(PROVIDERS, ("0.1", "0.3"), strict=False)]


@pytest.mark.parametrize("differences", [{"costs": {"monthly_fixed": 8}, "deliveryConfig": {"providers": PRICED}}])
async def test_a_mailbox_costs_what_its_own_providers_take_and_its_part_of_what_is_fixed(office):
    for to, provider, who in (("a", "primary", "agent"), ("b", "primary", "agent"), ("c", "second", "clerk")):
        for n in range(1 + (who == "agent")):
            await by_provider(office, f"{to}{n}@example.com", provider, NOON - DAY, mailboxId=who)
    for to in ("a0", "c0"):
        await office.post("/v1/analytics/events", TRIAL | {"email": f"{to}@example.com", "userId": ""})
    told = (await office.get("/v1/analytics/outcomes?groupBy=mailbox")).json()
    by_mailbox = {group["mailbox"]: (group["cost"], group["costPerOutcome"]) for group in told["groups"]}
    assert (told["cost"], by_mailbox) == (8.7, {"agent": (6.8, {"trial": 6.8}), "clerk": (1.9, {"trial": 1.9})})
    # Its own key is told nothing of what is fixed: the part would tell how much the others send.
    own = (await office.get("/v1/analytics/outcomes", key=await office.key(f"agent:clerk@{DOMAIN}"))).json()
    assert (own["cost"], own["costPerOutcome"]) == (0.3, {"trial": 0.3})


@pytest.mark.parametrize("differences", [{"costs": {"monthly_fixed": 100}}])
async def test_groups_name_and_sum_costs_as_the_whole_report_does(office):
    """A third would round to 33.33, and each campaign has only one of the two types."""
    kinds = ("trial_started", "trial_ended", "trial_started")
    for campaign, kind in zip("abc", kinds, strict=True):
        await by_provider(office, f"{campaign}@example.com", "primary", NOON - DAY, campaign=campaign)
        event = TRIAL | {"eventType": kind, "email": f"{campaign}@example.com", "userId": ""}
        await office.post("/v1/analytics/events", event)
    told = (await office.get("/v1/analytics/outcomes?groupBy=campaign")).json()
    assert sum(Decimal(str(group["cost"])) for group in told["groups"]) == Decimal(str(told["cost"])) == 100
    assert {name for group in told["groups"] for name in group["costPerOutcome"]} == told["costPerOutcome"].keys()


async def test_a_key_of_one_mailbox_gets_no_group_of_another(office):
    await by_provider(office, "a@example.com", "primary", NOON - DAY, campaign="secret")
    await by_provider(office, "b@example.com", "second", NOON - DAY, mailboxId="stranger")
    key = await office.key(f"agent:clerk@{DOMAIN}")
    for by in ("mailbox", "campaign", "provider"):
        told = (await office.get(f"/v1/analytics/outcomes?groupBy={by}", key=key)).json()
        assert (told["totalEmails"], told["groups"]) == (0, [])


async def test_every_credit_is_exported_and_sums_to_its_event(office):
    for days in (1, 2, 3):
        await by_provider(office, "prospect@example.com", "primary", NOON - days * DAY, campaign="=spring")
    await office.post("/v1/analytics/events", TRIAL | {"value": "100.01"})
    await office.post("/v1/analytics/events", TRIAL | {"value": "1e-10", "eventId": "of-the-crm"})
    answered = await office.get("/v1/analytics/outcomes/export?model=linear")
    assert answered.headers["content-type"].startswith("text/csv")
    every = list(csv.DictReader(io.StringIO(answered.text)))
    tiny = sorted((row["credited"], row["value"]) for row in every if row["eventId"] == "of-the-crm")
    assert tiny == [("0", "0.0000000001"), ("0", "0.0000000001"), ("0.0000000001", "0.0000000001")]
    rows = [row for row in every if row["eventId"] != "of-the-crm"]
    assert [row["provider"] for row in rows] == ["primary"] * 3
    assert {row["campaign"] for row in rows} == {"'=spring"}
    assert sum(Decimal(row["credited"]) for row in rows) == Decimal("100.01")
    assert sum(Decimal(row["weight"]) for row in rows) == 1


async def revenue(office):
    return (await office.get("/v1/analytics/outcomes")).json()["outcomes"].get("revenue_attributed")


async def known(office, **changes):
    """An event credited a while ago, so that its credits are kept."""
    send_id = await delivered(office, "prospect@example.com", NOON - DAY)
    await office.post("/v1/analytics/events", TRIAL | changes)
    office.clock.advance(600)
    assert await revenue(office) == 99.0
    return send_id


async def test_a_bounce_that_comes_late_takes_its_credit_away(office):
    send_id = await known(office)
    (row,) = office.row(lambda c: feedback.find(c, feedback.Clues(frozenset({send_id}), frozenset(), frozenset())))
    await office.house.write(
        lambda c: feedback.was_refused(c, row, now=office.clock.now, reason="hard", reply="550", data={"hard": True})
    )
    assert await revenue(office) == 0.0


async def test_a_user_id_seen_later_with_another_address_credits_it_for_events_long_known(office):
    await delivered(office, "other@example.com", NOON - DAY)
    await office.post("/v1/analytics/events", TRIAL | {"email": None})
    office.clock.advance(600)
    assert await revenue(office) == 0.0
    await office.post("/v1/analytics/events", TRIAL | {"email": "other@example.com", "value": 1, "eventId": "link"})
    assert await revenue(office) == 100.0


async def test_an_erased_person_is_credited_no_more(office):
    await known(office)
    await office.post("/v1/data-subjects/erase", {"email": "prospect@example.com"})
    assert await revenue(office) == 0.0


_PEOPLE = itertools.count()


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_events_late_twice_and_in_any_order_give_one_report(office, chance):
    """The second half of the events comes when the first has long been reported on."""
    people = [f"p{next(_PEOPLE)}@example.com" for _ in range(3)]  # chance may repeat itself
    for n, to in enumerate(people):
        await delivered(office, to, NOON - (n + 1) * DAY)
    events = [TRIAL | {"email": to, "userId": "", "value": str(n)} for n, to in enumerate(people, 1)] * 2
    chance.shuffle(events)
    before = await revenue(office) or 0
    for event in events[:3]:
        await office.post("/v1/analytics/events", event)
    office.clock.advance(600)
    await revenue(office)
    for event in events[3:]:
        await office.post("/v1/analytics/events", event)
    assert await revenue(office) - before == 1 + 2 + 3


@pytest.mark.parametrize("period", ["0d", "900d"])
async def test_a_period_out_of_bounds_is_told_both_of_them(office, period):
    answered = await office.get(f"/v1/analytics/outcomes?period={period}")
    assert answered.json()["detail"] == "period: must be longer than 0 and at most 366d"


@pytest.mark.parametrize("query", ["period=30", "period=x", "period=0d", "period=2999-01", "model=magic", "groupBy=x"])
async def test_a_report_that_cannot_be_made_is_422(office, query):
    assert (await office.get(f"/v1/analytics/outcomes?{query}")).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [{"eventType": ""}, {"email": "x"}, {"email": None, "userId": ""}, {"value": "NaN"}, {"timestamp": "now"}],
)
async def test_an_event_that_says_nothing_is_422(office, changes):
    assert (await office.post("/v1/analytics/events", TRIAL | changes)).status_code == 422


@pytest.mark.parametrize("differences", [{"policies": {"default": {"rules": {"cooldown": {"mode": "enforce"}}}}}])
async def test_only_a_manage_key_reports_events_and_a_reply_ends_the_cool_down(office):
    sales = {"body": "Buy now! Limited offer, 50% off our catalogue. Shop today.", "subject": "50% off, buy now"}
    assert (await office.send(**sales))["status"] == "queued"
    office.clock.advance(61)
    cooled = await office.send(**(sales | {"body": "Last chance! Buy our great offer today, 60% discount."}))
    assert cooled["reason"] == "cooldown"
    replied = {"eventType": "replied", "email": "bob@example.com", "timestamp": "2026-03-25T09:00:00Z"}
    assert (await office.post("/v1/analytics/events", replied, key=await office.key())).status_code == 403
    for mailbox, outcome in (("clerk", "blocked"), ("agent", "queued")):  # of its own mailbox alone
        key = await office.key(f"agent:{mailbox}@{DOMAIN}", "send", "read", "manage")
        assert (await office.post("/v1/analytics/events", replied, key=key)).status_code == 202
        office.clock.advance(1)
        told = await office.send(**(sales | {"body": "Last chance! Buy our great offer today, 60% discount."}))
        assert told["status"] == outcome, told["reason"]
    office.clock.advance(61)  # a reply that is dated ahead ends no cool-down that begins after it was told
    assert (await office.send(**(sales | {"body": "Really the last chance! Buy today, 70% off."})))[
        "reason"
    ] == "cooldown"


async def test_null_for_what_may_be_left_out_of_an_event_is_leaving_it_out(office):
    taken = await office.post("/v1/analytics/events", TRIAL | {"value": None, "metadata": None, "userId": None})
    assert taken.status_code == 202


async def test_an_amount_that_a_binary_fraction_blurred_is_taken_as_it_was_meant(office):
    await delivered(office, "prospect@example.com", NOON - DAY)
    taken = await office.post("/v1/analytics/events", TRIAL | {"value": 4.35 * 100})
    assert taken.status_code == 202
    exported = csv.DictReader(io.StringIO((await office.get("/v1/analytics/outcomes/export")).text))
    assert [row["value"] for row in exported] == ["435"]


async def test_an_event_of_nobody_names_the_field_that_is_missing(office):
    refused = await office.post("/v1/analytics/events", {"eventType": "trial_started"})
    assert refused.json()["errors"] == [{"field": "email", "message": "give email or userId"}]


async def test_revenue_of_the_groups_sums_to_that_of_all(office):
    for mailbox in ("agent", "clerk"):
        await by_provider(office, "prospect@example.com", "primary", NOON - DAY, mailboxId=mailbox)
    await office.post("/v1/analytics/events", TRIAL | {"value": "293.01"})
    told = (await office.get("/v1/analytics/outcomes?groupBy=mailbox&model=linear")).json()
    shares = [Decimal(str(group["outcomes"]["revenue_attributed"])) for group in told["groups"]]
    assert sorted(shares) == [Decimal("146.5"), Decimal("146.51")]
    assert sum(shares) == Decimal(str(told["outcomes"]["revenue_attributed"]))


async def test_a_refund_is_exported_as_a_number(office):
    await by_provider(office, "prospect@example.com", "primary", NOON - DAY)
    await office.post("/v1/analytics/events", TRIAL | {"value": "-5"})
    (row,) = csv.DictReader(io.StringIO((await office.get("/v1/analytics/outcomes/export")).text))
    assert (row["value"], Decimal(row["credited"])) == ("-5", Decimal(-5))


DEAL = {"eventType": "deal_closed", "email": "bob@example.com", "value": 10}


@pytest.mark.parametrize("differences", [{"costs": {"currency": "EUR"}}])
async def test_amounts_are_of_the_one_currency_that_is_named_and_no_other_is_mixed_in(office):
    await by_provider(office, "bob@example.com", "primary", NOON - DAY)
    for named, status in (({"currency": "EUR"}, 202), ({}, 202), ({"currency": "USD"}, 422)):
        assert (await office.post("/v1/analytics/events", DEAL | named)).status_code == status
    assert (await office.get("/v1/analytics/outcomes")).json()["currency"] == "EUR"
    rows = csv.DictReader(io.StringIO((await office.get("/v1/analytics/outcomes/export")).text))
    assert [row["currency"] for row in rows] == ["EUR"]


async def test_where_no_currency_is_named_none_is_told_and_none_is_taken(office):
    assert (await office.post("/v1/analytics/events", DEAL | {"currency": "EUR"})).status_code == 422
    assert (await office.get("/v1/analytics/outcomes")).json()["currency"] is None
