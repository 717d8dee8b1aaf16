"""The ledger of consent holds what was said, not what may be said one day."""

from policy.usage import DAY
from relay.store import accounts, consents
from relay.store.consents import NewConsent
from tests.http.office import DOMAIN
from tests.support.clock import NOON


async def test_nobody_has_agreed_in_the_future(office):
    given = {"email": "bob@example.com", "at": "2031-01-01T00:00:00Z"}
    refused = await office.post("/v1/consents", given)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "at"
    assert refused.json()["hint"]
    assert (await office.post("/v1/consents", given | {"granted": False})).status_code == 201
    rows = "email,granted,at\na@example.com,yes,2031-01-01T00:00:00Z\nb@example.com,yes,2026-01-15T00:00:00Z\n"
    told = (await office.post("/v1/consents/import", content=rows.encode())).json()
    assert (told["imported"], told["errors"][0]["line"]) == (1, 2)


async def test_taking_back_binds_whatever_the_date_of_what_is_taken_back(office):
    tenant = office.row(lambda c: accounts.tenant(c, "default").id)
    ahead = NewConsent("con_1", tenant, "bob@example.com", "bob@example.com", True, NOON + DAY, NOON)
    await office.house.write(lambda c: consents.append(c, [ahead]))
    assert (await office.get("/v1/consents/check?email=bob@example.com")).json()["granted"] is True
    office.clock.advance(1)
    assert (await office.call("DELETE", "/v1/consents/con_1")).status_code == 204
    assert (await office.get("/v1/consents/check?email=bob@example.com")).json()["granted"] is False


async def test_who_may_only_read_takes_no_consent_back_and_one_mailbox_gets_not_the_whole_ledger(office):
    made = await office.post("/v1/consents", {"email": "carl@example.com", "granted": True})
    reader, agent = await office.key(f"agent:agent@{DOMAIN}", "read"), await office.key()
    path = f"/v1/consents/{made.json()['id']}"
    assert (await office.call("DELETE", path, key=reader)).json()["code"] == "permission_missing"
    withdrawn = {"email": "carl@example.com", "granted": False}
    assert (await office.post("/v1/consents", withdrawn, key=reader)).json()["code"] == "permission_missing"
    assert (await office.get("/v1/consents/export", key=agent)).json()["code"] == "human_decision_required"
    assert "carl@example.com" in (await office.get("/v1/consents/export", key=await office.key("tenant:default"))).text
    assert (await office.call("DELETE", path, key=agent)).status_code == 204


async def test_a_jurisdiction_that_names_no_country_is_refused_and_skipped_in_a_file(office):
    given = {"email": "bob@example.com", "jurisdiction": "Germany"}
    refused = await office.post("/v1/consents", given)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "jurisdiction")
    assert "is not a country: 'Germany'; write its two letters" in refused.text
    for word in ("EU", "eea", "UK", "de"):
        assert (await office.post("/v1/consents", given | {"jurisdiction": word})).json()["jurisdiction"] == word
    no = await office.post("/v1/consents", given | {"granted": False})
    assert (no.status_code, no.json()["jurisdiction"]) == (201, "Germany")  # it binds wherever he is
    rows = "email,granted,jurisdiction\na@example.com,yes,Germany\nb@example.com,yes,DE\nc@example.com,no,Germany\n"
    told = (await office.post("/v1/consents/import", content=rows.encode())).json()
    assert (told["imported"], [e["line"] for e in told["errors"]]) == (2, [2])
    assert told["errors"][0]["message"].startswith("jurisdiction is not a country: 'Germany'")


async def test_a_basis_that_suffices_nowhere_is_refused_with_those_that_do_and_a_no_is_not_lost_for_it(office):
    given = {"email": "bob@example.com", "basis": "implied"}
    told = (await office.post("/v1/consents", given)).json()["errors"]
    known = "express, existing_business, inquiry, published_address, existing_customer"
    assert told == [{"field": "basis", "message": f"is none of {known}: 'implied'"}]
    assert (await office.post("/v1/consents", given | {"granted": False})).json()["basis"] == "implied"
    rows = b"email,granted,basis\na@example.com,yes,implied\nb@example.com,yes,inquiry\nc@example.com,no,implied\n"
    told = (await office.post("/v1/consents/import", content=rows)).json()
    assert (told["imported"], told["errors"]) == (2, [{"line": 2, "message": f"basis is none of {known}: 'implied'"}])


async def test_a_file_grants_nothing_that_it_does_not_plainly_say(office):
    await office.post("/v1/consents", {"email": "bob@example.com", "granted": False})
    lines = ("email,granted", *(f"bob@example.com{rest}" for rest in (",", "", ",maybe", ",n", ",yes,no")))
    told = (await office.post("/v1/consents/import", content="\n".join(lines).encode())).json()
    assert (told["imported"], [e["line"] for e in told["errors"]]) == (1, [2, 3, 4, 6])
    assert (await office.get("/v1/consents/check?email=bob@example.com")).json()["granted"] is False
    refused = await office.post("/v1/consents/import", content=b"email,status\nbob@example.com,withdrawn\n")
    assert (refused.status_code, "'status' is not known" in refused.json()["detail"]) == (422, True)


async def test_a_consent_that_is_written_down_is_express_unless_it_says_otherwise(office):
    assert (await office.post("/v1/consents", {"email": "bob@example.com"})).json()["basis"] == "express"
    assert (await office.post("/v1/consents", {"email": "bob@example.com", "granted": False})).json()["basis"] is None
    await office.post("/v1/consents/import", content=b"email\nbob@example.com\n")
    listed = (await office.get("/v1/consents?email=bob@example.com")).json()["data"]
    assert sorted(str(entry["basis"]) for entry in listed) == ["None", "None", "express"]


async def test_the_ledger_survives_export_and_import(office):
    for tenant, granted in (("default", True), ("acme", False)):
        given = {
            "email": "bob@example.com",
            "granted": granted,
            "tenant": tenant,
            "jurisdiction": "EU",
            "basis": "express",
        }
        await office.post("/v1/consents", given)
    exported = (await office.get("/v1/consents/export")).text
    assert (await office.post("/v1/consents/import", content=exported.encode())).json()["imported"] == 2
    head, *rows = (await office.get("/v1/consents/export")).text.splitlines()
    assert head == "email,granted,basis,source,jurisdiction,proof,at,tenant"
    assert sorted(rows) == sorted(exported.splitlines()[1:] * 2)


async def test_the_ledger_of_consent_only_grows(office):
    given = {"email": "bob@example.com", "basis": "express", "source": "form", "jurisdiction": "EU", "proof": "log 12"}
    made = await office.post("/v1/consents", given)
    assert made.status_code == 201
    assert made.json().items() >= (given | {"granted": True}).items()
    assert (await office.get("/v1/consents/check?email=bob@example.com")).json()["granted"] is True
    office.clock.advance(1)
    assert (await office.call("DELETE", f"/v1/consents/{made.json()['id']}")).status_code == 204
    assert (await office.get("/v1/consents/check?email=bob@example.com")).json()["granted"] is False
    for asked, granted in (("", [False, True]), ("&granted=true", [True]), ("&granted=false", [False])):
        listed = (await office.get(f"/v1/consents?email=bob@example.com{asked}")).json()["data"]
        assert [consent["granted"] for consent in listed] == granted


async def test_an_agent_writes_down_refusals_and_no_consent(office):
    key = await office.key()
    refused = await office.post("/v1/consents", {"email": "a@example.com"}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")
    taken = await office.post("/v1/consents", {"email": "a@example.com", "granted": False}, key=key)
    assert (taken.status_code, taken.json()["granted"]) == (201, False)
    for less in (await office.key("tenant:default"), await office.key(f"agent:agent@{DOMAIN}", "manage")):
        assert (await office.post("/v1/consents", {"email": "a@example.com"}, key=less)).status_code == 403
    business = await office.key("tenant:default", "read", "manage")
    assert (await office.post("/v1/consents", {"email": "a@example.com"}, key=business)).status_code == 201
