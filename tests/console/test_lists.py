"""The lists of the console: what one looks for is found, and what counts most stands first."""

import re

import pytest
from sqlalchemy import insert, update

from policy.usage import DAY
from relay.http.console import approvals, reputation
from relay.http.console.outcomes import ranked
from relay.store import schema as t
from relay.store import tallies, volumes
from relay.store.accounts import mailbox
from tests.console.visitor import visitor
from tests.http.office import PROVIDERS


async def test_who_unsubscribed_is_asked_by_reason_and_told_with_the_mailbox_it_binds(office):
    for reason in ("unsubscribe", "manual"):
        body = {"email": f"{reason}@example.com", "scope": "mailbox", "mailboxId": "agent", "reason": reason}
        await office.post("/v1/suppressions", body)
    await office.post("/v1/suppressed-domains", {"domain": "rival.example"})
    person = await visitor(office)
    assert "tenant <span" in (await person.get("/suppressions/domains")).text
    page = (await person.get("/suppressions?reason=unsubscribe")).text.replace("<wbr>", "")
    assert 'href="/suppressions?reason=soft_bounce">Soft bounce' in page
    assert "unsubscribe@example.com" in page
    assert "manual@example.com" not in page
    assert re.search(r"<td>mailbox <span[^>]*>agent</span></td>", page)


async def test_mailboxes_stand_by_name_and_are_found_by_a_part_of_name_or_address(office):
    person = await visitor(office)
    for n in range(30):
        body = {"name": f"Box-{n:02}", "fromAddress": f"b{n}@sender.test"}
        assert (await office.post("/v1/mailboxes", body)).status_code == 201
    first = (await person.get("/mailboxes?q=SENDER")).text
    more = re.search(r'href="([^"]+)">More', first)[1].replace("&amp;", "&")
    assert _cards(first) + _cards((await person.get(more)).text) == [
        "agent",
        *[f"Box-{n:02}" for n in range(30)],
        "clerk",
    ]
    for asked in ("x-2", "b29@sender.test"):
        assert _cards((await person.get(f"/mailboxes?q={asked}")).text)[-1] == "Box-29", asked
    assert "No mailbox has" in (await person.get("/mailboxes?q=b%25")).text


def _cards(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/mailboxes/[^"]+">([^<]+)', page)


@pytest.mark.parametrize("q", ["state:wrong", "decision:no", "last:soon", "since:monday", "mailbox:agent", "to: bob"])
async def test_a_search_that_is_not_understood_says_so_and_finds_nothing(office, q):
    await office.send(subject="to bob")
    person = await visitor(office)
    page = (await person.get(f"/messages?q={q}")).text
    assert "Nothing was searched" in page
    assert "data-row" not in page
    assert "data-row" in (await person.get('/messages?q="to bob" decision:Approved')).text


async def test_the_next_page_of_a_list_is_of_what_the_first_was_narrowed_to(office):
    cases = [{"id": f"inv_{n:02}", "status": "open" if n < 9 else "closed", "subject": f"Case {n}"} for n in range(60)]
    await office.house.write(lambda c: c.execute(insert(t.investigations), cases))
    person = await visitor(office)
    older = re.search(r'href="([^"]+)">Older', (await person.get("/investigations?status=closed")).text)
    assert re.findall(r"<b>([^<]+)", (await person.get(older[1].replace("&amp;", "&"))).text) == ["Case 9"]


def test_the_campaign_that_earned_most_stands_first():
    rows = [("none", 17, 0.0), ("sale", 750, 480.0), ("orders", 900, 0.0), ("welcome", 750, 720.0)]
    groups = [{"campaign": n, "totalEmails": sent, "outcomes": {"revenue_attributed": r}} for n, sent, r in rows]
    assert [group["campaign"] for group in ranked(groups)] == ["welcome", "sale", "orders", "none"]


async def test_the_sender_with_the_worst_score_stands_first_and_opens(office, monkeypatch):
    bad = await office.house.look(lambda c: mailbox(c, "clerk").id)
    counts = {"sent": 200, "delivered": 180, "bounced": 20}
    await office.house.write(lambda c: tallies.add(c, [((f"mailbox:{bad}",), office.clock(), counts)]))
    monkeypatch.setattr(reputation, "MOST", 1)
    page = (await (await visitor(office)).get("/reputation")).text
    assert re.findall(r'<a href="/reputation[^>]*>([^<]+)', page) == ["clerk"]
    assert '<h2 class="section">clerk' in page
    assert "with better scores" in page


async def test_where_no_provider_is_left_the_overview_says_that_mail_waits(office):
    person = await visitor(office)
    for provider in PROVIDERS:
        assert "No provider takes mail" not in (await person.get("/")).text
        await person.post(f"/providers/{provider['name']}/pause")
    assert "No provider takes mail" in (await person.get("/")).text


async def test_outcomes_are_told_of_each_tenant_and_month(office):
    acme = next(one["id"] for one in (await office.get("/v1/tenants")).json()["data"] if one["name"] == "acme")
    (box,) = (await office.get("/v1/mailboxes?name=stranger")).json()["data"]
    sent = [(acme, office.clock() - 30 * DAY, box["id"], "primary", "")]
    await office.house.write(lambda c: volumes.add(c, sent))
    person = await visitor(office)
    page = (await person.get("/outcomes")).text
    assert f'<option value="{acme}">acme' in page
    last = re.search(r'href="([^"]+)">February 2026', page)[1].replace("&amp;", "&")
    page = (await person.get(re.sub("tenant=[^&]*", f"tenant={acme}", last))).text
    assert f'<a href="/mailboxes/{box["id"]}">stranger</a></td><td class="num">1</td>' in page
    assert f'<option value="{acme}" selected>' in page


async def test_of_more_approvals_than_are_shown_those_whose_time_is_up_first_are(office, monkeypatch):
    monkeypatch.setattr(approvals, "MOST", 2)
    for n in range(3):
        await office.send(mailboxId="clerk", subject=f"Order {n} shipped", body=f"Order {n}.")
        office.clock.advance(60)
    person = await visitor(office)
    page = (await person.get("/approvals")).text
    assert re.findall(r'c-subject">([^<]+)', page) == ["Order 0 shipped", "Order 1 shipped"]
    assert "1–2 of 3, oldest 3 min" in page
    later = re.search(r'href="([^"]+)">Later', page)
    page = (await person.get(later[1])).text
    assert re.findall(r'c-subject">([^<]+)', page) == ["Order 2 shipped"]
    assert "3–3 of 3, oldest 3 min" in page
    earlier = re.search(r'href="([^"]+)">Earlier', page)
    assert re.findall(r'c-subject">([^<]+)', (await person.get(earlier[1])).text) == [
        "Order 0 shipped",
        "Order 1 shipped",
    ]


async def test_after_a_decision_the_one_behind_it_is_open_and_behind_the_last_the_first(office):
    first, second, third = await held(office, "ann", "bob", "eve")
    person = await visitor(office)
    assert (await person.post(f"/approvals/{second}", decision="reject")).headers["location"] == f"/approvals/{third}"
    assert (await person.post("/approvals", decision="reject", ids=first)).headers["location"] == f"/approvals/{third}"
    assert (await person.post(f"/approvals/{third}", decision="reject")).headers["location"] == "/approvals"


async def test_a_row_says_whom_an_approval_would_not_reach(office):
    await held(office, "ann", "bob,eve", "dan")
    for name in ("ann", "eve"):
        await office.post("/v1/suppressions", {"email": f"{name}@example.com", "scope": "global", "reason": "manual"})
    page = (await (await visitor(office)).get("/approvals")).text
    assert re.findall(r'c-state">.*?</i> ([^<]+)', page) == ["suppressed", "1 of 2 suppressed"]


async def test_approving_several_tells_how_many_policy_keeps_from_it(office):
    ids = await held(office, "ann", "bob,eve", "dan")
    for name in ("ann", "eve"):
        await office.post("/v1/suppressions", {"email": f"{name}@example.com", "scope": "global", "reason": "manual"})
    person = await visitor(office)
    await person.post("/approvals", decision="approve", ids=" ".join(ids))
    assert "3 approved. Recipients who get it at once: 2, never: 2." in (await person.get("/approvals")).text


async def test_an_approval_that_was_rewritten_after_it_was_decided_says_so(office):
    (send_id,) = await held(office, "ann")
    person = await visitor(office)
    await person.post(f"/approvals/{send_id}", decision="reject", note="not this week")
    assert "✓ as recorded" in (await person.get(f"/approvals/{send_id}")).text
    await office.house.write(lambda c: c.execute(update(t.approvals).values(note="fine by me")))
    page = (await person.get(f"/approvals/{send_id}")).text
    assert "it was changed afterwards" in page
    assert "as recorded" not in page
    await office.house.write(lambda c: c.execute(update(t.approvals).values(status="pending")))  # put back
    assert "it was changed afterwards" in (await person.get(f"/approvals/{send_id}")).text


async def held(office, *names: str) -> list[str]:
    """Send ids of what waits, a minute apart: one for each name, several addresses with a comma."""
    ids = []
    for name in names:
        to = [f"{one}@example.com" for one in name.split(",")]
        told = await office.send(mailboxId="clerk", to=to, subject=f"For {name}", body=f"Dear {name}.")
        ids.append(told["sendId"])
        office.clock.advance(60)
    return ids


async def test_a_refusal_and_a_consent_bind_the_tenant_or_the_mailbox_that_the_form_names(office):
    person = await visitor(office)
    acme = next(one["id"] for one in (await office.get("/v1/tenants")).json()["data"] if one["name"] == "acme")
    await person.post("/suppressions", email="bob@example.com", scope="tenant:acme")
    await person.post("/suppressions", email="ann@example.com", scope="mailbox", mailboxId="stranger")
    await person.post("/suppressions/domains", domain="rival.example", scope="tenant:acme")
    await person.post("/suppressions/consents", email="bob@example.com", granted="yes", tenant="acme")
    told = [
        (await office.get(f"/v1/{kind}")).json()["data"] for kind in ("suppressions", "suppressed-domains", "consents")
    ]
    assert [row["tenantId"] for rows in told for row in rows] == [acme] * 4
    assert [(row["scope"], bool(row["mailboxId"])) for row in told[0]] == [("mailbox", True), ("tenant", False)]


async def test_the_alerts_of_the_last_day_are_listed_once_each_with_what_they_are_about(office):
    person, flawed = await visitor(office), {"body": "Your order 4711 shipped.\n[Your Name]"}
    assert ">Alerts<" not in (await person.get("/")).text
    await office.send(**flawed)
    office.clock.advance(3_700)
    await office.send(**flawed, to="ann@example.com")
    page = (await person.get("/")).text
    assert page.count("[Your Name] is left in the text") == 1
    found = re.search(r'href="/messages\?q=from%3Aagent%20last%3A24h">(.*?)</a>', page, re.DOTALL)
    assert found
    assert "content quality" in found[1]
    assert "(2 times)" in found[1]
    office.clock.advance(90_000)
    assert ">Alerts<" not in (await person.get("/")).text
