"""Suppressions and suppressed domains: added by those they bind, removed by people."""

import pytest

from tests.http.office import DOMAIN

BOB = {"email": "bob@example.com", "scope": "tenant", "reason": "manual", "note": "asked by phone"}


async def test_an_address_is_refused_from_now_on(office):
    made = await office.post("/v1/suppressions", BOB)
    assert made.status_code == 201
    told = made.json()
    assert told.pop("created") is True
    assert told.items() >= (BOB | {"source": "operator", "expiresAt": None}).items()
    assert (await office.get(f"/v1/suppressions/{told['id']}")).json() == told
    assert (await office.get("/v1/suppressions?email=BOB@example.com")).json()["data"] == [told]
    assert (await office.send())["reason"] == "suppressed"


async def test_adding_twice_tells_what_stands_and_another_kind_stands_beside_it(office):
    first = (await office.post("/v1/suppressions", BOB | {"reason": "unsubscribe"})).json()
    again = (await office.post("/v1/suppressions", BOB | {"reason": "unsubscribe", "note": "other words"})).json()
    assert (first["created"], again) == (True, first | {"created": False})
    assert (await office.post("/v1/suppressions", BOB | {"reason": "complaint"})).json()["created"] is True
    assert (await office.send())["reason"] == "suppressed"  # as the complaint has it, whatever came first


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/suppressions", BOB), ("/v1/suppressed-domains", {"domain": "b.example"})]
)
async def test_what_has_ended_gives_way_to_what_begins(office, path, body):
    await office.post(path, body | {"expiresAt": "2026-03-24T13:00:00Z", "note": "for an hour"})
    office.clock.advance(3601)
    made = (await office.post(path, body | {"note": "for good"})).json()
    assert (made["created"], made["note"], made["createdAt"]) == (True, "for good", "2026-03-24T13:00:01.000Z")
    assert (await office.post(path, body)).json()["created"] is False


async def test_removing_lets_mail_through_again(office):
    made = (await office.post("/v1/suppressions", BOB)).json()
    assert (await office.call("DELETE", f"/v1/suppressions/{made['id']}")).status_code == 204
    assert (await office.get(f"/v1/suppressions/{made['id']}")).status_code == 404
    assert (await office.send())["status"] == "queued"


async def test_an_expired_entry_binds_no_more(office):
    await office.post("/v1/suppressions", BOB | {"expiresAt": "2026-03-24T13:00:00Z"})
    assert (await office.send())["status"] == "blocked"
    office.clock.advance(3601)
    assert (await office.send())["status"] == "queued"


async def test_what_one_tenant_or_mailbox_refuses_binds_no_other(office):
    await office.post("/v1/suppressions", BOB | {"scope": "mailbox", "mailboxId": "clerk"})
    await office.post("/v1/suppressions", BOB | {"tenant": "acme", "email": "ann@example.com"})
    await office.post("/v1/suppressed-domains", {"domain": "example.net", "tenant": "acme"})
    people = ["bob@example.com", "ann@example.com", "eve@example.net"]
    refused = {
        who: {to for to in people if (await office.send(mailboxId=who, to=to))["reason"] == "suppressed"}
        for who in ("agent", "clerk", "stranger")
    }
    assert refused == {"agent": set(), "clerk": {people[0]}, "stranger": set(people[1:])}


async def test_the_check_names_what_binds(office):
    await office.post("/v1/suppressions", BOB)
    await office.post("/v1/suppressed-domains", {"domain": "example.com", "note": "all of them"})
    told = (await office.get("/v1/suppressions/check?email=bob@example.com")).json()
    assert (told["email"], told["suppressed"]) == ("bob@example.com", True)
    assert [(s["scope"], s["reason"]) for s in told["suppressions"]] == [("tenant", "manual"), ("tenant", "domain")]
    assert (await office.get("/v1/suppressions/check?email=a@b.example")).json()["suppressed"] is False
    await office.post("/v1/suppressions", {"email": "a@b.example", "scope": "mailbox", "mailboxId": "clerk"})
    for mailbox, count in (("agent", 0), ("clerk", 1)):
        told = (await office.get(f"/v1/suppressions/check?email=a@b.example&mailboxId={mailbox}")).json()
        assert len(told["suppressions"]) == count
    for scope, email in (("tenant", "bob@example.com"), ("mailbox", "a@b.example")):
        (listed,) = (await office.get(f"/v1/suppressions?scope={scope}")).json()["data"]
        assert listed["email"] == email


async def test_the_check_knows_the_aliases_of_an_address_where_its_mailbox_folds_them(office):
    made = (await office.post("/v1/suppressions", BOB | {"email": "bob+tag@example.com"})).json()
    for whose in ("", "&mailboxId=agent"):
        told = (await office.get(f"/v1/suppressions/check?email=bob@example.com{whose}")).json()
        assert [s["id"] for s in told["suppressions"]] == [made["id"]]
    assert (await office.get("/v1/suppressions?email=bob@example.com")).json()["data"] == []
    assert (await office.send())["reason"] == "suppressed"


async def test_an_end_that_has_passed_is_422_for_an_address_and_for_a_domain(office):
    for path, body in (("/v1/suppressions", BOB), ("/v1/suppressed-domains", {"domain": "example.com"})):
        for past in ("2026-03-24T11:59:59Z", "1970-01-01T00:00:00Z"):
            answered = await office.post(path, body | {"expiresAt": past})
            assert answered.status_code == 422
            assert answered.json()["errors"][0]["field"] == "expiresAt"
            assert "is in the past" in answered.text
        assert (await office.get(path)).json()["data"] == []


async def test_an_import_skips_what_has_ended_already_and_says_so(office):
    body = "email,expires_at\na@example.com,2020-01-01T00:00:00Z\nb@example.com,2026-04-01T00:00:00Z\n"
    told = (await office.post("/v1/suppressions/import", content=body.encode())).json()
    assert (told["imported"], told["skipped"], told["errors"][0]["line"]) == (1, 1, 2)
    assert "is in the past" in told["errors"][0]["message"]


async def test_a_reason_has_its_customary_names(office):
    for number, (reason, kind) in enumerate({"bounce": "hard_bounce", "spam": "complaint"}.items()):
        told = (await office.post("/v1/suppressions", BOB | {"email": f"a{number}@b.example", "reason": reason})).json()
        assert told["reason"] == kind
        (listed,) = (await office.get(f"/v1/suppressions?reason={reason}")).json()["data"]
        assert listed["id"] == told["id"]


async def test_an_imported_reason_in_ones_own_words_is_kept_in_the_note(office):
    await office.post("/v1/suppressions/import", content=b"email,reason,note\na@b.example,he asked,twice")
    told = (await office.get("/v1/suppressions")).json()["data"][0]
    assert (told["reason"], told["note"]) == ("manual", "he asked; twice")


async def test_an_agent_sees_of_a_global_entry_only_that_it_is_there(office):
    await office.post("/v1/suppressions", BOB | {"scope": "global", "reason": "complaint"})
    told = (await office.get("/v1/suppressions/check?email=bob@example.com", key=await office.key())).json()
    hidden = {"id": None, "scope": "global", "reason": None, "createdAt": None, "expiresAt": None}
    assert told["suppressions"] == [hidden]
    assert (await office.get("/v1/suppressions", key=await office.key())).json()["data"] == []
    await office.post("/v1/suppressed-domains", {"domain": "b.example", "scope": "global", "note": "theirs"})
    told = (await office.get("/v1/suppressions/check?email=a@b.example", key=await office.key())).json()
    assert told["suppressions"] == [hidden | {"reason": "domain"}]
    told = (await office.get("/v1/suppressed-domains/check?domain=b.example", key=await office.key())).json()
    assert (told["suppressed"], told["suppressions"]) == (True, [])
    await office.post("/v1/suppressions", {"email": "c@c.example"})
    for email, reason, who in (
        ("bob@example.com", "complaint", {}),
        ("a@b.example", "domain", {}),
        ("c@c.example", "manual", {"key": await office.key()}),
    ):
        (whole,) = (await office.get(f"/v1/suppressions/check?email={email}", **who)).json()["suppressions"]
        assert (bool(whole["id"]), whole["reason"]) == (True, reason)


async def test_an_agent_adds_for_its_own_mailbox_alone(office):
    key = await office.key()
    own = await office.post("/v1/suppressions", BOB | {"scope": "mailbox"}, key=key)
    assert own.status_code == 201
    assert own.json()["mailboxId"]
    for scope in ("tenant", "global"):
        refused = await office.post("/v1/suppressions", BOB | {"scope": scope}, key=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "human_decision_required")
    other = await office.post("/v1/suppressions", BOB | {"scope": "mailbox", "mailboxId": "clerk"}, key=key)
    assert other.status_code == 403
    whole = await office.key("tenant:default")
    assert (await office.post("/v1/suppressions", BOB | {"scope": "global"}, key=whole)).status_code == 403
    removed = await office.call("DELETE", f"/v1/suppressions/{own.json()['id']}", key=key)
    assert (removed.status_code, removed.json()["code"]) == (403, "human_decision_required")
    assert (await office.send())["status"] == "blocked"
    assert (await office.send(mailboxId="clerk"))["status"] == "held"


async def test_a_reason_in_ones_own_words_is_a_manual_entrys_note(office):
    told = (await office.post("/v1/suppressions", BOB | {"reason": "he asked", "note": ""})).json()
    assert (told["reason"], told["note"]) == ("manual", "he asked")


CSV = (
    "email,reason,note,expires_at\r\n"
    "a@example.com,complaint,,\r\n"
    "nonsense,,,\r\n"
    '"b@example.com",unsubscribe,"said ""no"", twice",2026-04-01T00:00:00Z\r\n'
    "\r\n"
    "'+c@example.com,,'=1+1,\r\n"
    "d@example.com,,,sometime"
)


async def test_import_reads_what_it_can_and_names_the_rest(office):
    told = (await office.post("/v1/suppressions/import", content=CSV.encode())).json()
    assert told["imported"] == 3
    assert [e["line"] for e in told["errors"]] == [3, 7]
    rows = {s["email"]: s for s in (await office.get("/v1/suppressions")).json()["data"]}
    assert set(rows) == {"a@example.com", "b@example.com", "+c@example.com"}
    assert (rows["b@example.com"]["reason"], rows["b@example.com"]["note"]) == ("unsubscribe", 'said "no", twice')
    assert rows["+c@example.com"]["note"] == "=1+1"


async def test_a_bare_list_of_addresses_is_imported_too(office):
    body = "\n".join(f"a{n}@example.com" for n in range(1203))
    assert (await office.post("/v1/suppressions/import", content=body.encode())).json()["imported"] == 1203


async def test_a_carriage_return_inside_a_line_costs_that_line(office):
    body = "email,note\r\na@example.com,x\r\nb@example.com,y\rz\r\nc@example.com,\r\n"
    told = (await office.post("/v1/suppressions/import", content=body.encode())).json()
    assert (told["imported"], [e["line"] for e in told["errors"]]) == (2, [3])


async def test_lines_that_end_with_a_carriage_return_alone_are_422_and_nothing_is_imported(office):
    for body in ("email\ra@example.com\rb@example.com\r", "a@example.com\rb@example.com"):
        answered = await office.post("/v1/suppressions/import", content=body.encode())
        assert (answered.status_code, "carriage return" in answered.json()["detail"]) == (422, True)
    assert (await office.get("/v1/suppressions")).json()["data"] == []


async def test_once_a_row_is_imported_no_later_line_takes_the_answer_away(office):
    rows = [
        b"email",
        *(b"a%d@example.com" % n for n in range(600)),
        b"\xff@example.com",
        b"x" * 40_000,
        b"x" * 2_000_000,
        b"b@example.com",
    ]
    told = (await office.post("/v1/suppressions/import", content=b"\n".join(rows))).json()
    assert (told["imported"], [e["line"] for e in told["errors"]]) == (601, [602, 603, 604])


async def test_an_end_after_all_calendars_is_not_taken(office):
    late = "9999-12-31T23:59:59-12:00"
    told = (
        await office.post("/v1/suppressions/import", content=f"email,expires_at\na@b.example,{late}".encode())
    ).json()
    assert (told["imported"], told["skipped"]) == (0, 1)
    assert (await office.post("/v1/suppressions", BOB | {"expiresAt": late})).status_code == 422


async def test_a_time_that_no_calendar_has_breaks_no_list(office):
    await office.post("/v1/suppressions", BOB)
    await office.house.write(lambda c: c.exec_driver_sql("UPDATE suppressions SET expires_at = 253402343999000"))
    assert (await office.get("/v1/suppressions")).json()["data"][0]["expiresAt"] == "9999-01-01T00:00:00.000Z"


async def test_H12_export_streams_and_no_cell_is_a_formula(office):
    await office.post("/v1/suppressions", BOB | {"email": "+x@example.com", "note": '=HYPERLINK("http://evil")'})
    answered = await office.get("/v1/suppressions/export")
    assert answered.headers["content-type"].startswith("text/csv")
    assert "attachment" in answered.headers["content-disposition"]
    head, row = answered.text.strip().split("\r\n")
    assert head == "email,reason,scope,note,created_at,expires_at,tenant,mailbox"
    assert row.startswith("'+x@example.com,manual,tenant,\"'=HYPERLINK(")
    again = await office.post("/v1/suppressions/import", content=answered.content)
    assert again.json()["imported"] == 1


async def test_what_is_exported_comes_back_for_those_it_was_for(office):
    await office.post("/v1/suppressions", BOB | {"scope": "global", "reason": "complaint"})
    await office.post("/v1/suppressions", BOB | {"scope": "mailbox", "mailboxId": "clerk", "reason": "unsubscribe"})
    await office.post("/v1/suppressions", BOB | {"tenant": "acme", "note": 'he said\r\n"x@b.example,manual,'})
    await office.post("/v1/suppressed-domains", {"domain": "all.example", "scope": "global"})
    await office.post("/v1/suppressed-domains", {"domain": "one.example", "tenant": "acme", "note": "trap"})
    exported = (await office.get("/v1/suppressions/export")).text
    made = [line.rpartition(",")[2] for line in exported.splitlines() if "unsubscribe" in line]
    assert (made, "*@all.example,domain,global," in exported) == (["clerk"], True)
    for table in ("suppressions", "suppressed_domains"):
        await office.house.write(lambda c, table=table: c.exec_driver_sql(f"DELETE FROM {table}"))
    told = (await office.post("/v1/suppressions/import", content=exported.encode())).json()
    assert (told["imported"], told["skipped"], told["ignoredColumns"]) == (5, 0, [])
    assert sorted((await office.get("/v1/suppressions/export")).text.splitlines()) == sorted(exported.splitlines())


async def test_a_key_exports_the_domains_of_its_tenant_alone(office):
    for body in ({"domain": "ours.example"}, {"domain": "theirs.example", "tenant": "acme"}):
        await office.post("/v1/suppressed-domains", body)
    await office.post("/v1/suppressed-domains", {"domain": "all.example", "scope": "global"})
    exported = (await office.get("/v1/suppressions/export", key=await office.key("tenant:default", "read"))).text
    assert [line.partition(",")[0] for line in exported.splitlines()[1:]] == ["*@ours.example"]


async def test_an_import_names_the_columns_it_has_no_use_for(office):
    told = (await office.post("/v1/suppressions/import", content=b"email,scop\na@b.example,global")).json()
    assert (told["imported"], told["ignoredColumns"]) == (1, ["scop"])


async def test_a_domain_whose_end_has_passed_is_refused_anew(office):
    await office.post("/v1/suppressed-domains", {"domain": "example.com", "expiresAt": "2026-03-24T13:00:00Z"})
    office.clock.advance(3601)
    assert (await office.send())["status"] == "queued"
    await office.post("/v1/suppressed-domains", {"domain": "example.com"})
    assert (await office.send(to="ann@example.com"))["reason"] == "suppressed"


async def test_a_domain_is_refused_with_all_below_it(office):
    made = await office.post("/v1/suppressed-domains", {"domain": "Example.com"})
    assert (made.status_code, made.json()["domain"]) == (201, "example.com")
    assert (await office.send(to="x@mail.example.com"))["reason"] == "suppressed"
    assert (await office.get("/v1/suppressed-domains/check?domain=mail.example.com")).json()["suppressed"] is True
    assert len((await office.get("/v1/suppressed-domains")).json()["data"]) == 1
    key = await office.key()
    path = f"/v1/suppressed-domains/{made.json()['id']}"
    assert (await office.call("DELETE", path, key=key)).json()["code"] == "human_decision_required"
    assert (await office.call("DELETE", path)).status_code == 204
    assert (await office.send(to="x@mail.example.com"))["status"] == "queued"


@pytest.mark.parametrize("spelling", ["*@Wild.example", "@wild.example"])
async def test_a_whole_domain_among_addresses_is_422_with_where_it_belongs_and_taken_from_a_file(office, spelling):
    for answered in (
        await office.post("/v1/suppressions", BOB | {"email": spelling}),
        await office.get(f"/v1/suppressions/check?email={spelling}"),
    ):
        assert (answered.status_code, answered.json()["errors"][0]["field"]) == (422, "email")
        assert "use /v1/suppressed-domains with the domain wild.example" in answered.text
    told = (await office.post("/v1/suppressions/import?scope=global", content=spelling.encode())).json()
    assert (told["imported"], (await office.get("/v1/suppressions")).json()["data"]) == (1, [])
    assert (await office.get("/v1/suppressed-domains")).json()["data"][0]["scope"] == "global"
    assert (await office.send(to="x@mail.wild.example"))["reason"] == "suppressed"


async def test_a_refused_domain_is_shown_to_its_tenant_and_to_no_other(office):
    made = (await office.post("/v1/suppressed-domains", {"domain": "example.com", "note": "all of them"})).json()
    theirs = (await office.post("/v1/suppressed-domains", {"domain": "example.com", "tenant": "acme"})).json()
    assert (await office.get(f"/v1/suppressed-domains/{made['id']}")).json() | {"created": True} == made
    key = await office.key()
    assert (await office.get(f"/v1/suppressed-domains/{made['id']}", key=key)).json()["id"] == made["id"]
    for foreign in (theirs["id"], "sdom_none"):
        assert (await office.get(f"/v1/suppressed-domains/{foreign}", key=key)).status_code == 404


async def test_a_domain_is_entered_in_the_words_of_an_address_and_told_in_them(office):
    body = {"domain": "bücher.example", "reason": "a competitor", "note": "ask Ann"}
    made = (await office.post("/v1/suppressed-domains", body)).json()
    assert (made["reason"], made["note"], made["source"]) == ("domain", "a competitor; ask Ann", "operator")
    (listed,) = (await office.get("/v1/suppressed-domains", params={"domain": "Bücher.example"})).json()["data"]
    assert listed | {"created": True} == made
    again = (await office.post("/v1/suppressed-domains", {"domain": "b.example", "reason": made["reason"]})).json()
    assert (again["reason"], again["note"]) == ("domain", None)


async def test_a_domain_is_refused_for_a_tenant_or_for_all_and_the_error_says_so(office):
    body = {"domain": "b.example", "scope": "mailbox", "mailboxId": "agent"}
    refused = await office.post("/v1/suppressed-domains", body)
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "scope: must be tenant or global: a domain is refused for a tenant or for all, not for one mailbox"
    )


async def test_a_domain_is_checked_by_an_address_of_it_too(office):
    await office.post("/v1/suppressed-domains", {"domain": "blocked.example"})
    told = (await office.get("/v1/suppressed-domains/check?email=a@mail.Blocked.example")).json()
    assert (told["domain"], told["suppressed"]) == ("mail.blocked.example", True)
    assert told["suppressions"][0]["domain"] == "blocked.example"
    for asked in ("", "?email=a@b.example&domain=b.example", "?email=nobody", "?domain=a@b"):
        assert (await office.get(f"/v1/suppressed-domains/check{asked}")).status_code == 422


@pytest.mark.parametrize("note", ['"and', '"and' + "\nc@b.example," * 10_000])
async def test_an_import_ends_where_a_quote_is_never_closed_and_says_so(office, note):
    body = f"email,note\na@b.example,fine\nb@b.example,{note}\nd@b.example,\n"
    answered = await office.post("/v1/suppressions/import", content=body.encode())
    assert answered.status_code == 422
    assert "line 3: a quoted cell does not end" in answered.text
    assert "imported before it: 1" in answered.text
    assert [row["email"] for row in (await office.get("/v1/suppressions")).json()["data"]] == ["a@b.example"]


@pytest.mark.parametrize("path", ["/v1/suppressions/import", "/v1/consents/import"])
async def test_an_import_that_is_no_text_or_has_no_head_is_422(office, path):
    for content in (b"\xff\xfe\x00", b"name,age\nx,1\n"):
        assert (await office.post(path, content=content)).status_code == 422


async def test_a_key_of_one_mailbox_sees_its_tenants_entries_and_its_own(office):
    await office.post("/v1/suppressions", BOB | {"scope": "mailbox", "mailboxId": "clerk"})
    await office.post("/v1/suppressions", BOB | {"scope": "mailbox", "mailboxId": "agent"})
    await office.post("/v1/suppressions", BOB)
    await office.post("/v1/suppressions", BOB | {"tenant": "acme"})
    seen = (await office.get("/v1/suppressions", key=await office.key(f"agent:agent@{DOMAIN}"))).json()["data"]
    assert sorted(s["scope"] for s in seen) == ["mailbox", "tenant"]


async def test_the_mailbox_of_an_imported_line_is_named_as_in_a_call_an_address_before_a_name(office):
    for name, address in ((f"late@{DOMAIN}", "early"), ("late", "late"), ("idn", "idn")):
        domain = "münchen.example" if name == "idn" else DOMAIN
        assert (await office.post("/v1/mailboxes", {"name": name, "fromAddress": f"{address}@{domain}"})).is_success
    lines = f"email,mailbox\na@b.example,late@{DOMAIN}\nb@b.example,Idn@münchen.example\n"
    assert (await office.post("/v1/suppressions/import", content=lines.encode())).json()["imported"] == 2
    for mailbox, email in (("late", "a@b.example"), ("idn", "b@b.example")):
        found = (await office.get(f"/v1/suppressions?mailboxId={mailbox}")).json()["data"]
        assert [entry["email"] for entry in found] == [email]
