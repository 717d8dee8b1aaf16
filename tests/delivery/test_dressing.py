"""The form a message leaves in: what the provider takes, and who shares a transaction."""

import asyncio
import base64
import dataclasses
import email
import re
from email.policy import SMTP
from typing import Any

import dkim
import pytest
from msgspec.structs import replace

from config.presets import Headers, Limits
from relay.delivery.connection import Connection
from relay.delivery.dress import groups
from relay.delivery.wire import Wire
from tests.delivery.house import BOB, MESSAGE, signers
from tests.support.provider import Provider
from tests.support.published import dns
from tests.support.script import Script

HEAD = b"From: <agent@sender.test>\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
EIGHT_BIT = (
    HEAD
    + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Grüße aus Köln\r\n".encode()
)
SIGNED = (
    HEAD
    + b'Content-Type: multipart/signed; boundary=b; micalg=x; protocol="application/pgp-signature"\r\n\r\n'
    + b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Grüße\r\n".encode()
    + b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nxx\r\n--b--\r\n"
)
SEVEN = Script(extensions=("PIPELINING", "SIZE 31457280"))
UTF8_HEADER = "From: <agent@sender.test>\r\nCc: jörg@example.net\r\n\r\nhello\r\n".encode()


def verifies(data: bytes) -> bool:
    return bool(dkim.verify(data, dnsfunc=dns(signers())))


async def test_S28_an_8_bit_body_goes_as_it_is_where_the_provider_takes_it(make_house, provider: Provider):
    house = await make_house(provider.settings())
    await house.deliver(data=EIGHT_BIT)
    (taken,) = provider.ledger.taken
    assert "BODY=8BITMIME" in taken.mail_options
    assert taken.data.endswith("Grüße aus Köln\r\n".encode())
    assert verifies(taken.data)


async def test_S28_an_8_bit_body_is_encoded_anew_before_signing_where_it_does_not(make_house, make_provider):
    provider = make_provider(SEVEN)
    house = await make_house(provider.settings())
    assert house.delivery(await house.deliver(data=EIGHT_BIT)).state == "delivered"
    (taken,) = provider.ledger.taken
    assert taken.data.isascii()
    assert not taken.mail_options or "BODY=8BITMIME" not in taken.mail_options
    assert b"Gr=C3=BC=C3=9Fe aus K=C3=B6ln" in taken.data
    assert verifies(taken.data)
    assert not provider.ledger.violations


async def test_S28_what_may_not_be_encoded_anew_goes_by_a_provider_that_takes_it(pair):
    house, _one, two = await pair(SEVEN)
    given = await house.deliver(data=SIGNED)
    assert (house.delivery(given).state, house.delivery(given).provider) == ("delivered", "second")
    assert two.ledger.taken[0].data.endswith(SIGNED.partition(b"\r\n\r\n")[2])


async def test_S28_and_bounces_where_there_is_none(make_house, make_provider):
    provider = make_provider(SEVEN)
    house = await make_house(provider.settings())
    given = await house.deliver(data=SIGNED)
    row = house.delivery(given)
    assert (row.state, row.reason, row.reply[:9]) == ("bounced", "8bitmime", "554 5.6.3")
    assert not any(line.startswith("MAIL") for _, line in provider.ledger.commands)


@pytest.mark.parametrize("what", ["header", "recipient", "sender"])
async def test_S29_what_needs_SMTPUTF8_goes_by_a_provider_that_has_it(pair, what):
    house, _one, two = await pair(SEVEN)
    given = await house.deliver(
        "jörg@example.net" if what == "recipient" else BOB,
        data=UTF8_HEADER if what == "header" else MESSAGE,
        **({"mail_from": "agänt@sender.test"} if what == "sender" else {}),
    )
    assert (house.delivery(given).state, house.delivery(given).provider) == ("delivered", "second")
    assert "SMTPUTF8" in two.ledger.taken[0].mail_options


async def test_S29_text_of_the_header_goes_in_encoded_words_where_the_provider_takes_ascii(make_house, make_provider):
    names = 'Jörg Groß <bob@example.net>, "Groß, =?utf-8?q?=C3=84nne?= \\"x\\"" <b@x.test>,c@x.test'
    subject = "Grüße, " + "日本語" * 30
    fields = f"From: Zoë <agent@sender.test>\r\nTo: {names}\r\nCc: Übrige:;,\r\nX-Note: é\r\nSubject: {subject}\r\n"
    provider = make_provider(SEVEN)
    house = await make_house(provider.settings())
    given = await house.deliver(data=fields.encode() + EIGHT_BIT[len(HEAD) :])
    assert house.delivery(given).state == "delivered"
    (taken,) = provider.ledger.taken
    read = email.message_from_bytes(taken.data, policy=SMTP)
    people = [(one.display_name, one.addr_spec) for one in read["to"].addresses]
    assert people == [("Jörg Groß", BOB), ('Groß, Änne "x"', "b@x.test"), ("", "c@x.test")]
    assert (read["from"].addresses[0].display_name, read["x-note"], read["subject"]) == ("Zoë", "é", subject)
    assert taken.data.isascii()
    assert verifies(taken.data)


async def test_S29_and_bounces_with_5_6_7_where_there_is_none(make_house, make_provider):
    provider = make_provider(SEVEN)
    house = await make_house(provider.settings())
    given = await house.deliver("jörg@example.net")
    row = house.delivery(given)
    assert (row.state, row.reason, row.reply[:9]) == ("bounced", "smtputf8", "550 5.6.7")
    assert house.settled[0].hard is False
    assert house.means.healths.state("lab") == "closed"


async def test_a_provider_that_names_a_smaller_size_is_not_sent_the_message(make_house, make_provider):
    provider = make_provider(Script(extensions=("SIZE 100",)))
    house = await make_house(provider.settings())
    await house.deliver()
    assert not any(line.startswith("MAIL") for _, line in provider.ledger.commands)


async def test_R48_a_size_of_more_digits_than_a_number_may_have_is_no_limit(make_house, provider: Provider):
    house = await make_house(provider.settings())
    wire = Wire(asyncio.get_running_loop())
    assert Connection(house.providers[0], {"size": "9" * 5000}, wire).size_limit == 0


async def test_recipients_share_a_transaction_within_the_providers_limit_and_none_is_named_to_others(
    make_house, provider: Provider
):
    house = await make_house(provider.settings(limits={"recipients_per_message": 3}))
    await house.deliver(*(f"r{n}@example.net" for n in range(7)))
    assert [len(t.rcpt_to) for t in provider.ledger.taken] == [3, 3, 1]
    assert [re.findall(rb"<r\d@", t.data) for t in provider.ledger.taken] == [[], [], [b"<r6@"]]  # in Received


async def test_a_rate_a_key_against_repeats_and_a_link_of_ones_own_part_recipients(make_house, provider: Provider):
    house = await make_house(provider.settings())
    given = await house.send(*(f"r{n}@example.net" for n in range(5)))

    def sizes(plan: dict[str, Any] | None = None, **more: Any) -> list[int]:
        own = dataclasses.replace(house.providers[0], **more)
        return [len(some) for some in groups(replace(given, plan=plan or {}), given.due, own, house.means.wardrobe)]

    assert sizes() == [5]
    assert sizes(limits=Limits(rate=0.5)) == [1] * 5
    assert sizes(limits=Limits(rate=2.0)) == [2, 2, 1]
    assert sizes(limits=Limits(rate=2.0, burst=4, recipients_per_message=3)) == [3, 2]
    assert sizes(limits=Limits(rate=2.0, burst=4)) == [4, 1]
    assert sizes(headers=Headers(idempotency="X-Key")) == [1] * 5
    assert sizes(plan={"footer": {}}) == [1] * 5


@pytest.mark.parametrize("keeps", [True, False])
async def test_with_a_bounce_domain_each_delivery_has_a_return_path_of_its_own_where_the_provider_keeps_it(
    make_house, make_provider, keeps
):
    provider = make_provider()
    house = await make_house(provider.settings(own_return_path=keeps))
    wardrobe = house.means.wardrobe
    links = replace(wardrobe.links, public_url="http://x.test", bounce_domain="b.sender.test")
    house.means = replace(house.means, wardrobe=replace(wardrobe, links=links))
    await house.deliver("a@example.net", "b@example.net")
    paths = {t.mail_from for t in provider.ledger.taken}
    assert len(paths) == (2 if keeps else 1)
    assert all(path.endswith("@b.sender.test") is keeps for path in paths)
    await house.deliver(mail_from="")
    assert provider.ledger.taken[-1].mail_from == ""


async def test_a_campaign_that_is_no_ascii_makes_no_message_need_SMTPUTF8(make_house, make_provider):
    provider = make_provider(SEVEN)
    house = await make_house(provider.settings(headers={"tag": "X-PM-Tag"}))
    given = await house.deliver(campaign="früh\r\nBcc: x@y.test")
    assert house.delivery(given).state == "delivered"
    assert provider.ledger.taken[0].header("X-PM-Tag") == "fr?h??Bcc: x@y.test"
    assert provider.ledger.taken[0].header("Bcc") is None


async def test_the_control_headers_of_the_account_are_ours(make_house, provider: Provider):
    headers = {"metadata": "X-SMTPAPI", "send_id": "X-PM-Metadata-gatepost-send"}
    house = await make_house(provider.settings(headers=headers))
    data = MESSAGE.replace(b"Subject", b'X-SMTPAPI: {"to":["evil@example.org"]}\r\nSubject')
    given = await house.deliver(data=data)
    (taken,) = provider.ledger.taken
    assert taken.header("X-SMTPAPI") == f'{{"unique_args": {{"gatepost_send": "{given.send_id}"}}}}'
    assert taken.header("X-PM-Metadata-gatepost-send") == given.send_id
    assert b"evil@" not in taken.data


async def test_what_the_provider_is_not_to_see_is_removed_and_what_it_rewrites_is_not_signed(
    make_house, provider: Provider
):
    house = await make_house(provider.settings(headers={"strip": ["X-Own"], "rewritten": ["Date"]}))
    await house.deliver(data=MESSAGE.replace(b"Subject", b"X-Own: 1\r\nSubject"))
    (taken,) = provider.ledger.taken
    assert taken.header("X-Own") is None
    signed = re.search(r"\bh=([^;]+)", taken.header("DKIM-Signature"))
    assert ("subject" in signed[1].lower(), "date" in signed[1].lower()) == (True, False)


async def test_S4_dots_and_long_bodies_arrive_to_the_octet(make_house, provider: Provider):
    house = await make_house(provider.settings())
    body = b".\r\n..\r\n.x\r\n" + base64.encodebytes(bytes(500_000)).replace(b"\n", b"\r\n") + b"."
    await house.deliver(data=MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body)
    assert provider.ledger.taken[0].body == body + b"\r\n"
