"""Domains: what to publish, what DNS says of it, and what that proves."""

from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from relay.mail.dkim_key import generate_rsa
from tests.support.clock import NOON
from tests.support.settings import DOMAIN

NEW = {"domain": "yourcompany.com", "verificationMethod": "dns_txt"}


async def test_a_new_domain_says_what_to_publish(office):
    made = await office.post("/v1/domains", NEW)
    assert made.status_code == 201
    told = made.json()
    assert (told["domain"], told["status"]) == ("yourcompany.com", "pending")
    records = told["dnsRecords"]
    assert all(r.keys() >= {"type", "name", "value", "purpose", "status"} for r in records)
    assert [(r["type"], r["name"], r["purpose"], r["status"]) for r in records] == [
        ("TXT", "_gatepost.yourcompany.com", "ownership", "pending"),
        ("TXT", "gp1._domainkey.yourcompany.com", "dkim", "pending"),
        ("TXT", "gp1e._domainkey.yourcompany.com", "dkim", "pending"),
        ("TXT", "yourcompany.com", "spf", "pending"),
        ("TXT", "_dmarc.yourcompany.com", "dmarc", "pending"),
    ]
    assert records[1]["value"].startswith("v=DKIM1; k=rsa; p=")
    assert records[2]["value"].startswith("v=DKIM1; k=ed25519; p=")
    assert records[3]["value"] == "v=spf1 include:spf.mtasv.net include:amazonses.com ~all"


async def test_an_international_domain_is_found_by_the_name_it_was_added_by(office):
    told = (await office.post("/v1/domains", NEW | {"domain": "münchen.example"})).json()
    for name in map(quote, ("münchen.example", "MÜNCHEN.example.", "xn--mnchen-3ya.example")):
        assert (await office.get(f"/v1/domains/{name}")).json()["id"] == told["id"]
        assert (await office.post(f"/v1/domains/{name}/verify")).json()["domain"] == "xn--mnchen-3ya.example"
        listed = (await office.get(f"/v1/domains?domain={name}")).json()["data"]
        assert [d["id"] for d in listed] == [told["id"]]


async def publish(office, told, *, without=()):
    for record in told["dnsRecords"]:
        if record["purpose"] not in without:
            office.dns.publish(record["name"], record["type"], record["value"])


async def test_published_records_prove_the_domain(office):
    told = (await office.post("/v1/domains", NEW)).json()
    before = (await office.post(f"/v1/domains/{told['id']}/verify")).json()
    assert before["status"] == "pending"
    assert {r["status"] for r in before["dnsRecords"]} == {"missing"}
    await publish(office, told)
    after = (await office.post(f"/v1/domains/{told['id']}/verify")).json()
    assert after["status"] == "verified"
    assert {r["status"] for r in after["dnsRecords"]} == {"valid"}
    await office.post("/v1/mailboxes", {"name": "n", "fromAddress": "n@yourcompany.com"})
    assert (await office.send(mailboxId="n"))["status"] == "queued"


async def test_ownership_may_be_proven_by_cname(office):
    told = (await office.post("/v1/domains", NEW | {"verificationMethod": "cname"})).json()
    record = told["dnsRecords"][0]
    assert (record["type"], record["name"]) == ("CNAME", "_gatepost.yourcompany.com")
    await publish(office, told)
    assert (await office.post(f"/v1/domains/{told['id']}/verify")).json()["status"] == "verified"


WRONG = (
    ("yourcompany.com", ["v=spf1 -all"], "spf", "wrong", "lacks include:spf.mtasv.net"),
    ("yourcompany.com", ["v=spf1 -all", "v=spf1 ~all"], "spf", "wrong", "several"),
    ("yourcompany.com", ["v=spf1 include:amazonses.com include:spf.mtasv.net -all"], "spf", "valid", ""),
    ("_dmarc.yourcompany.com", ["v=DMARC1; p=reject; rua=mailto:a@b.example"], "dmarc", "valid", ""),
    ("_dmarc.yourcompany.com", ["v=DMARC1"], "dmarc", "wrong", "no policy"),
    ("gp1._domainkey.yourcompany.com", ["v=DKIM1; p="], "dkim", "wrong", "revoked"),
    ("gp1._domainkey.yourcompany.com", ["v=DKIM1; k=rsa; p=AAAA"], "dkim", "wrong", "another key"),
    ("_gatepost.yourcompany.com", ["gatepost-verification=wrong"], "ownership", "wrong", "publish the value"),
)


async def test_what_is_wrong_is_said_in_a_sentence(office):
    told = (await office.post("/v1/domains", NEW)).json()
    for name, values, purpose, status, words in WRONG:
        await publish(office, told)
        office.dns.publish(name, "TXT", *values)
        checked = (await office.post(f"/v1/domains/{told['id']}/verify")).json()
        record = next(r for r in checked["dnsRecords"] if r["name"] == name and r["purpose"] == purpose)
        assert record["status"] == status, values
        assert words in (record["problem"] or ""), values


async def test_a_name_server_that_does_not_answer_changes_nothing(office):
    told = (await office.post("/v1/domains", NEW)).json()
    await publish(office, told)
    await office.post(f"/v1/domains/{told['id']}/verify")
    office.dns.down.update(r["name"] for r in told["dnsRecords"])
    checked = (await office.post(f"/v1/domains/{told['id']}/verify")).json()
    assert checked["status"] == "verified"
    assert {r["status"] for r in checked["dnsRecords"]} == {"unknown"}


async def test_a_proof_is_withdrawn_after_three_days_of_absence(office):
    told = (await office.post("/v1/domains", NEW)).json()
    verify = f"/v1/domains/{told['id']}/verify"
    await publish(office, told)
    await office.post(verify)
    office.dns.records.clear()
    for days, status in ((0, "verified"), (2, "verified"), (3.1, "failed")):
        office.clock.now = NOON + int(days * 86_400_000)
        assert (await office.post(verify)).json()["status"] == status, days


@pytest.mark.parametrize("domain", ["", "localhost", "a b.example", "-.example", "exämple..de", "x\r\n.example"])
async def test_what_is_no_domain_is_422(office, domain):
    assert (await office.post("/v1/domains", NEW | {"domain": domain})).status_code == 422


async def test_a_domain_belongs_to_one(office):
    await office.post("/v1/domains", NEW)
    again = await office.post("/v1/domains", NEW | {"tenant": "acme"})
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")


async def test_a_key_sees_the_domain_of_its_own_mailbox_alone(office):
    other = (await office.post("/v1/domains", NEW)).json()
    (own,) = (await office.get("/v1/domains", key=await office.key())).json()["data"]
    assert own["domain"] == DOMAIN
    assert (await office.get(f"/v1/domains/{other['id']}", key=await office.key())).status_code == 404
    homeless = await office.key("agent:nobody@later.example")
    assert (await office.get("/v1/domains", key=homeless)).json()["data"] == []
    assert (await office.get(f"/v1/domains/{own['id']}", key=homeless)).status_code == 404


async def test_a_declared_domain_is_changed_in_the_file(office):
    answered = await office.call("PATCH", "/v1/domains/sender.test", {"physicalAddress": "x"})
    assert (answered.status_code, answered.json()["code"]) == (409, "declared_in_file")


async def test_another_way_of_proof_has_to_be_proven_anew(office):
    told = (await office.post("/v1/domains", NEW)).json()
    await publish(office, told)
    await office.post(f"/v1/domains/{told['id']}/verify")
    changed = (await office.call("PATCH", f"/v1/domains/{told['id']}", {"verificationMethod": "cname"})).json()
    assert (changed["status"], changed["verifiedAt"]) == ("pending", None)


async def test_private_keys_are_sealed(office):
    await office.post("/v1/domains", NEW)
    file = office.app.database.file
    assert b"PRIVATE KEY" not in file.read_bytes() + file.with_name(f"{file.name}-wal").read_bytes()


async def test_M8_a_rotation_lists_the_new_records_beside_the_old(office):
    await office.post("/v1/domains", NEW)
    told = (await office.post("/v1/domains/yourcompany.com/rotate")).json()
    listed = [
        (r["name"].partition(".")[0], r["key"], r["status"]) for r in told["dnsRecords"] if r["purpose"] == "dkim"
    ]
    assert listed == [
        ("gp1", "active", "pending"),
        ("gp1e", "active", "pending"),
        ("gp2", "pending", "pending"),
        ("gp2e", "pending", "pending"),
    ]
    with capture_logs() as lines:
        again = await office.post("/v1/domains/yourcompany.com/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "rotation_pending")
    assert not [line for line in lines if line["log_level"] == "error"]  # an answer is no bug of ours


async def test_M8_keys_the_file_brings_are_not_rotated_here(office):
    pem = office.house.settings().server.data_dir / "rsa.pem"
    pem.write_bytes(generate_rsa().private_pem)
    settings = office.app.settings
    first = settings.domains[0]
    brought = first.model_copy(update={"dkim": first.dkim.model_copy(update={"key": pem})})
    office.app.settings = settings.model_copy(update={"domains": (brought, *settings.domains[1:])})
    answered = await office.post(f"/v1/domains/{first.domain}/rotate")
    assert (answered.status_code, answered.json()["code"]) == (409, "declared_in_file")
    assert "new selector there" in answered.json()["detail"]
    assert (await office.post("/v1/domains/other.test/rotate")).status_code == 200
