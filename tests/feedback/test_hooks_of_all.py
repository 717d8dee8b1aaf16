"""The hooks of all eight providers alike: a proven bounce counts once, and nothing unproven or foreign does anything.

Each case builds what the provider's documentation shows: the payload of a hard bounce of one recipient, and the proof
over it. A forger has the payload and everything but the secret.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.providers import ProviderSettings
from tests.feedback import test_sns
from tests.feedback.ground import BOB, NOW
from tests.feedback.test_hooks import SES, SNS_NOW, WHSEC, Ear, ear, mailgun, resend, ses_bounce, settings, svix

__all__ = ["ear"]

OWN_KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(OWN_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
Call = tuple[dict[str, str], bytes]
REPLY = "550 5.1.1 <bob@example.net>: no such user"


class Hook(NamedTuple):
    """One provider: its settings, what its calls look like, and those of a forger."""

    provider: ProviderSettings
    proven: Callable[[str], Call]
    forged: Callable[[str], Call]
    now: int = NOW


def basic(pair: bytes, body: Callable[[str], Any]) -> Callable[[str], Call]:
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return lambda send: (headers, json.dumps(body(send)).encode())


def postmark(send: str) -> Any:
    return {
        "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Email": BOB, "Inactive": True,
        "Details": f"smtp;{REPLY}", "Metadata": {"gatepost-send": send}, "BouncedAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def brevo(send: str) -> Any:
    return {
        "event": "hard_bounce", "email": BOB, "id": 7, "message-id": "<x@relay.test>", "ts_event": 1_767_225_600,
        "reason": REPLY, "X-Mailin-custom": send,
    }  # fmt: skip


def sparkpost(send: str) -> Any:
    event = {
        "type": "bounce", "event_id": "92356927693813856", "bounce_class": "10", "rcpt_to": BOB, "raw_reason": REPLY,
        "message_id": "000443ee14578172be22", "rcpt_meta": {"gatepost_send": send}, "timestamp": "1767225600",
    }  # fmt: skip
    return [{"msys": {"message_event": event}}]


def sendgrid(key: ec.EllipticCurvePrivateKey) -> Callable[[str], Call]:
    def made(send: str) -> Call:
        event = {
            "email": BOB, "event": "bounce", "type": "bounce", "reason": REPLY, "status": "5.1.1",
            "sg_event_id": "e1", "sg_message_id": "m1.filter", "timestamp": NOW // 1000, "gatepost_send": send,
        }  # fmt: skip
        raw, at = json.dumps([event]).encode(), str(NOW // 1000)
        signature = base64.b64encode(key.sign(at.encode() + raw, ec.ECDSA(SHA256()))).decode()
        name = "X-Twilio-Email-Event-Webhook-"
        return {f"{name}Signature": signature, f"{name}Timestamp": at}, raw

    return made


def mailersend(secret: bytes) -> Callable[[str], Call]:
    def made(send: str) -> Call:
        email = {"message": {"id": f"id-of-{send}"}, "recipient": {"email": BOB}}
        data = {"id": "d1", "email": email, "morph": {"reason": REPLY}, "created_at": "2026-01-01T00:00:00Z"}
        raw = json.dumps({"type": "activity.hard_bounced", "data": data}).encode()
        return {"Signature": hmac.new(secret, raw, hashlib.sha256).hexdigest()}, raw

    return made


def mailguns(send: str, *, forged: bool = False) -> Call:
    call = mailgun(BOB, f"{send}@sender.test")
    if forged:
        call["signature"]["signature"] = "0" * 64
    return {}, json.dumps(call).encode()


def resends(send: str, *, forged: bool = False) -> Call:
    body = resend(send)
    return svix(body + b" " if forged else body), body


def sns(send: str, *, forged: bool = False) -> Call:
    envelope = ses_bounce(f"id-of-{send}")
    if forged:
        envelope["Message"] = envelope["Message"].replace("General", "NoEmail")
    return {}, json.dumps(envelope).encode()


GOOD, BAD = b"user:word", b"user:wore"
HOOKS = {
    "postmark": Hook(settings("postmark", "user:word"), basic(GOOD, postmark), basic(BAD, postmark)),
    "resend": Hook(settings("resend", WHSEC), resends, lambda send: resends(send, forged=True)),
    "ses": Hook(SES, sns, lambda send: sns(send, forged=True), SNS_NOW),
    "sendgrid": Hook(settings("sendgrid", PUBLIC), sendgrid(OWN_KEY), sendgrid(OTHER_KEY)),
    "mailgun": Hook(
        settings("mailgun", "mailgun-signing-key-of-the-account"), mailguns, lambda s: mailguns(s, forged=True)
    ),
    "brevo": Hook(settings("brevo", "user:word"), basic(GOOD, brevo), basic(BAD, brevo)),
    "mailersend": Hook(settings("mailersend", "the-secret"), mailersend(b"the-secret"), mailersend(b"the-secreT")),
    "sparkpost": Hook(settings("sparkpost", "user:word"), basic(GOOD, sparkpost), basic(BAD, sparkpost)),
}
SIGNED_IN_TIME = ["resend", "ses", "sendgrid", "mailgun"]


def of(name: str, ear: Ear, *, by: str = "") -> str:
    """Mail that went by that provider (or another one), and its id."""
    send = ear.ground.send(provider=by or name)
    changes = "UPDATE deliveries SET provider_id = 'id-of-' || send_id"
    ear.ground.do(lambda c: c.exec_driver_sql(changes))
    ear.ground.do(lambda c: c.exec_driver_sql("UPDATE sends SET message_id = '<' || id || '@sender.test>'"))
    return send


async def call(ear: Ear, name: str, made: Call, now: int = 0) -> int:
    hook = HOOKS[name]
    return await ear.call(hook.provider, made[0], made[1], now or hook.now)


def untouched(ear: Ear, send: str) -> bool:
    return (ear.ground.states(send), ear.ground.suppressions()) == (["delivered"], [])


@pytest.mark.parametrize("name", HOOKS)
async def test_Show4_a_proven_bounce_bounces_and_suppresses_once_however_often_it_is_told(ear: Ear, name: str):
    send = of(name, ear)
    assert [await call(ear, name, HOOKS[name].proven(send)) for _ in range(3)] == [200] * 3
    assert ear.ground.states(send) == ["bounced"]
    assert ear.ground.suppressions() == [(BOB, "hard_bounce", "tenant")]
    assert len(ear.ground.events("delivery.bounced")) == 1


@pytest.mark.parametrize("name", HOOKS)
async def test_H1_a_forged_call_is_401_and_leaves_nothing(ear: Ear, name: str):
    send = of(name, ear)
    assert await call(ear, name, HOOKS[name].forged(send)) == 401
    assert await call(ear, name, ({}, b"{}")) == 401
    assert untouched(ear, send)
    assert ear.ground.ask("SELECT 1 FROM feedback") == []


@pytest.mark.parametrize("name", SIGNED_IN_TIME)
async def test_H2_a_call_of_yesterday_is_401_and_leaves_nothing(ear: Ear, name: str):
    send = of(name, ear)
    assert await call(ear, name, HOOKS[name].proven(send), HOOKS[name].now + 86_400_000) == 401
    assert untouched(ear, send)
    assert ear.ground.ask("SELECT 1 FROM feedback") == []


@pytest.mark.parametrize("name", HOOKS)
async def test_H6_a_providers_word_about_another_ones_mail_is_kept_and_does_nothing(ear: Ear, name: str):
    send = of(name, ear, by="somebody-else")
    assert await call(ear, name, HOOKS[name].proven(send)) == 200
    assert untouched(ear, send)
    assert len(ear.ground.ask("SELECT 1 FROM feedback WHERE type <> 'call'")) == 1


@pytest.mark.parametrize("name", HOOKS)
async def test_H6_an_event_of_nobodys_mail_is_answered_and_does_nothing(ear: Ear, name: str):
    send = of(name, ear)
    assert await call(ear, name, HOOKS[name].proven("send_01J00000000000000000000000")) == 200
    assert untouched(ear, send)


def test_every_provider_with_a_hook_has_its_case():
    from config.presets import builtin

    speaks = {name for name, preset in builtin().items() if preset.events.format not in ("", "generic")}
    assert speaks == HOOKS.keys()
    assert test_sns.TOPIC in SES.declared.topic_arns
