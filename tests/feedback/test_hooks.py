"""A call of a provider's hook: proven, kept, applied and only then answered; nothing else changes anything."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.delivery import Provider
from config.providers import ProviderSettings, complete
from config.secrets import Secret
from relay.feedback.apply import STEP
from relay.feedback.authenticity import refused
from relay.feedback.certificates import CALLS, Certificates
from relay.feedback.hooks import Hooks
from relay.store.writer import Unavailable, Writer
from tests.feedback import test_sns
from tests.feedback.ground import BOB, NOW, Ground

KEY = b"a key of thirty-two octets exact"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()


def settings(name: str, secret: str, **more: Any) -> ProviderSettings:
    declared = Provider(
        name=name, provider=name, password=Secret.literal("x"), username=Secret.literal("x"),
        webhook_secret=Secret.literal(secret) if secret else None, region="eu-west-1", **more
    )  # fmt: skip
    return complete(declared, {})


class Ear:
    """Hooks over a store."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.web = test_sns.Web()
        self.writer = Writer(ground.database, on_broken=lambda: None)
        self.writer.start()
        self.hooks = Hooks(self.writer, ground.applier, fetch=self.web, roots=lambda: [test_sns.ROOT])

    async def call(self, provider: ProviderSettings, headers: dict[str, str], body: Any, now: int = NOW) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (await self.hooks.ingest(provider, headers, raw, now)).status_code


@pytest.fixture
async def ear(ground: Ground) -> AsyncIterator[Ear]:
    ear = Ear(ground)
    yield ear
    await ear.writer.stop()
    await ground.database.close()


POSTMARK = settings("postmark", "user:word")
SMTP = complete(Provider(name="smtp", provider="smtp", host="mx.test", webhook_secret=Secret.literal(WHSEC)), {})
BASIC = {"Authorization": "Basic " + base64.b64encode(b"user:word").decode()}


def postmark(send: str, **more: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "Email": BOB, "MessageID": "pm-1",
        "Details": "smtp;550 5.1.1 no such user", "Metadata": {"gatepost-send": send}, **more,
    }  # fmt: skip


async def test_a_proven_call_is_kept_applied_and_answered(ear: Ear):
    send = ear.ground.send(provider="postmark")
    assert await ear.call(POSTMARK, BASIC, postmark(send)) == 200
    assert ear.ground.states(send) == ["bounced"]
    assert ear.ground.suppressions() == [(BOB, "hard_bounce", "tenant")]
    kept = ear.ground.ask("SELECT source, send_id, raw FROM feedback")
    assert [(row.source, row.send_id) for row in kept] == [("postmark", send)]
    assert b"no such user" in bytes(kept[0].raw)


async def test_a_provider_without_a_secret_hears_nothing(ear: Ear):
    assert await ear.call(settings("postmark", ""), BASIC, postmark("")) == 401


def svix(body: bytes, identity: str = "msg_1", at: int = NOW // 1000) -> dict[str, str]:
    signed = hmac.new(KEY, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "svix-id": identity, "svix-timestamp": str(at), "svix-signature": "v1," + base64.b64encode(signed).decode(),
    }  # fmt: skip


def resend(send: str) -> bytes:
    headers = [{"name": "X-Entity-Ref-ID", "value": send}]
    bounce = {"type": "Permanent", "message": "550 5.1.1 no such user"}
    data = {"email_id": "re-1", "to": [BOB], "headers": headers, "bounce": bounce}
    return json.dumps({"type": "email.bounced", "created_at": "2026-01-01T00:00:00Z", "data": data}).encode()


MAILGUN = settings("mailgun", "mailgun-signing-key-of-the-account")


def mailgun(recipient: str, message_id: str, token: str = "t" * 50) -> dict[str, Any]:
    at = str(NOW // 1000)
    signature = hmac.new(b"mailgun-signing-key-of-the-account", (at + token).encode(), hashlib.sha256).hexdigest()
    event = {
        "event": "failed", "severity": "permanent", "id": f"e-{recipient}", "recipient": recipient, "timestamp": at,
        "message": {"headers": {"message-id": message_id}},
        "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
    }  # fmt: skip
    return {"signature": {"timestamp": at, "token": token, "signature": signature}, "event-data": event}


async def test_a_proof_used_for_another_body_is_a_forgery(ear: Ear):
    first = ear.ground.send(provider="mailgun", message_id="<m1@sender.test>")
    second = ear.ground.send(("ann@example.net",), provider="mailgun", message_id="<m2@sender.test>")
    assert await ear.call(MAILGUN, {}, mailgun(BOB, "m1@sender.test")) == 200
    assert await ear.call(MAILGUN, {}, mailgun("ann@example.net", "m2@sender.test")) == 409
    assert (ear.ground.states(first), ear.ground.states(second)) == (["bounced"], ["delivered"])


async def test_H7_a_large_call_lets_others_write_and_if_it_is_cut_off_its_repeat_adds_the_rest(ear: Ear):
    people = [f"p{number}@example.net" for number in range(3 * STEP)]
    sends = [ear.ground.send((address,), provider="smtp") for address in people]
    reports = [
        {"eventType": "bounced", "hard": True, "recipient": address, "metadata": {"gatepost-send": send}}
        for address, send in zip(people, sends, strict=True)
    ]
    raw = json.dumps(reports).encode()
    signed = {name.replace("svix", "webhook"): value for name, value in svix(raw).items()}
    call = asyncio.create_task(ear.call(SMTP, signed, raw))
    count = "SELECT count(*) FROM suppressions"
    while not (done := await ear.writer.run(lambda c: c.exec_driver_sql(count).scalar_one())):
        assert not call.done()
    call.cancel()
    assert done < len(sends)
    assert [await ear.call(SMTP, signed, raw) for _ in range(2)] == [200, 200]
    assert [ear.ground.states(send) for send in sends] == [["bounced"]] * len(sends)
    assert ear.ground.counts() == {"bounced": len(sends)}


SES = settings("ses", "", topic_arns=(test_sns.TOPIC,), confirm_subscriptions=True)
SNS_NOW = int(test_sns.NOW.timestamp() * 1000)


def ses_bounce(message_id: str) -> dict[str, Any]:
    message = {
        "eventType": "Bounce", "mail": {"messageId": message_id, "destination": [BOB]},
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "f1",
            "bouncedRecipients": [{"emailAddress": BOB, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no"}],
        },
    }  # fmt: skip
    return test_sns.envelope(Message=json.dumps(message))


async def test_H7_a_certificate_that_cannot_be_fetched_has_sns_come_again_and_one_that_proved_is_kept(ear: Ear):
    pages, ear.web.pages = ear.web.pages, {}
    with pytest.raises(Unavailable):
        await ear.call(SES, {}, ses_bounce("x"), SNS_NOW)
    ear.web.pages = pages
    assert await ear.call(SES, {}, ses_bounce("x"), SNS_NOW) == 200
    ear.web.pages = {}
    assert await ear.call(SES, {}, ses_bounce("x"), SNS_NOW) == 200


async def test_H4_who_knows_a_hook_has_few_certificates_fetched_and_none_that_is_genuine_is_refused_for_it(ear: Ear):
    assert await ear.call(SES, {}, ses_bounce("x"), SNS_NOW) == 200
    genuine = list(ear.web.asked)
    for number in range(20):
        named = f"https://sns.eu-west-1.amazonaws.com/{number}.pem"
        with pytest.raises(Unavailable):
            await ear.call(SES, {}, ses_bounce("x") | {"SigningCertURL": named}, SNS_NOW)
    assert len(ear.web.asked) == len(genuine) + CALLS - 1
    assert await ear.call(SES, {}, ses_bounce("x"), SNS_NOW) == 200


def test_H4_one_call_at_a_time_has_a_certificate_fetched():
    def fetch(_: str) -> bytes:
        with pytest.raises(OSError, match="another"):
            certificates.prove(lambda fetch: refused(str(fetch("https://b.example/"))))
        return b"one"

    certificates = Certificates(fetch)
    assert certificates.prove(lambda fetch: refused(fetch("https://a.example/").decode())).reason == "one"


async def test_H4_a_foreign_topic_is_forbidden(ear: Ear):
    foreign = settings("ses", "", topic_arns=("arn:aws:sns:eu-west-1:999999999999:other",))
    assert await ear.call(foreign, {}, ses_bounce("x"), SNS_NOW) == 403


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("answers", [True, False])
async def test_H4_a_listed_topic_is_confirmed_where_the_operator_wants_it(ear: Ear, wanted: bool, answers: bool):
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    ear.web.pages |= {url: b"confirmed"} if answers else {}
    changes = {"Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "abc"}
    ses = settings("ses", "", topic_arns=(test_sns.TOPIC,), confirm_subscriptions=wanted)
    assert await ear.call(ses, {}, test_sns.envelope(**changes), SNS_NOW) == 200
    assert (url in ear.web.asked) is wanted


@pytest.mark.parametrize(("body", "code"), [(b"no json", 400), (b"[" * 100_000, 400)])
async def test_H6_what_is_no_payload_is_refused(ear: Ear, body: bytes, code: int):
    assert await ear.call(POSTMARK, BASIC, body) == code
