"""Providers' events: authenticated, kept, applied, once."""

import base64

import pytest

from tests.http.office import Office

SECRET = "Basic " + base64.b64encode(b"hook:secret-of-the-hook").decode()
PATH = "/hooks/postmark/primary"


def bounce(send_id: str) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Email": "bob@example.com",
        "BouncedAt": "2026-03-24T12:00:00Z",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist",
        "MessageID": "00000000-0000-0000-0000-000000000000",
        "Metadata": {"gatepost-send": send_id},
    }


async def hook(office: Office, body: object, authorization: str = SECRET, path: str = PATH):
    headers = {"Authorization": authorization} if authorization else {}
    return await office.client.post(path, json=body, headers=headers)


async def test_an_event_is_taken_and_a_repeat_does_nothing_twice(office):
    told = await office.send()
    first = await hook(office, bounce(told["sendId"]))
    assert (first.status_code, first.json()) == (200, {"status": "ok", "events": 1})
    again = await hook(office, bounce(told["sendId"]))
    assert (again.status_code, again.json()["events"]) == (200, 0)


@pytest.mark.parametrize("authorization", ["", "Basic " + base64.b64encode(b"hook:wrong").decode(), "Bearer x"])
async def test_H1_what_proves_nothing_is_401_and_stores_nothing(office, authorization):
    answered = await hook(office, bounce("x"), authorization)
    assert (answered.status_code, answered.json()["code"]) == (401, "unauthentic")
    assert office.row(lambda c: c.exec_driver_sql("SELECT count(*) FROM feedback").scalar_one()) == 0


@pytest.mark.parametrize("path", ["/hooks/postmark/nobody", "/hooks/resend/primary", "/hooks/x/y"])
async def test_a_hook_that_is_none_is_404(office, path):
    assert (await hook(office, {}, path=path)).status_code == 404


async def test_H6_an_unknown_type_is_200_and_kept(office):
    answered = await hook(office, {"RecordType": "Surprise", "Email": "bob@example.com", "ID": 7})
    assert answered.status_code == 200
    assert office.row(lambda c: c.exec_driver_sql("SELECT count(*) FROM feedback").scalar_one()) == 1


async def test_H6_a_moment_after_all_calendars_and_a_very_deep_table_are_taken(office):
    deep: object = "x"
    for _ in range(300):
        deep = {"a": deep}
    for odd in ({"BouncedAt": "9999-12-31T23:59:59-12:00"}, {"ID": 43, "Metadata": {"n": deep}}):
        answered = await hook(office, bounce((await office.send())["sendId"]) | odd)
        assert (answered.status_code, answered.json()) == (200, {"status": "ok", "events": 1})


async def test_H6_two_megabytes_are_taken_and_ten_are_413(office):
    assert (await hook(office, bounce("x") | {"Dump": "x" * 2_000_000})).status_code == 200
    answered = await office.client.post(PATH, content=b"x" * 10_000_000, headers={"Authorization": SECRET})
    assert (answered.status_code, answered.json()["code"]) == (413, "too_large")


async def test_H7_the_provider_comes_again_when_the_store_is_lost(office):
    office.app.writer.lost = "the store's file was removed or replaced"
    answered = await hook(office, bounce("x"))
    assert (answered.status_code, answered.json()["code"]) == (503, "unavailable")
    assert answered.headers["retry-after"]


async def test_a_call_without_the_right_method_is_405_and_says_which(office):
    answered = await office.client.get(PATH)
    assert (answered.status_code, answered.json()["code"]) == (405, "method_not_allowed")
    assert answered.headers["allow"] == "POST"
