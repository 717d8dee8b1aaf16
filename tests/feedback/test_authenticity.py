"""Webhooks are believed only when they prove themselves (faults H1 to H5)."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks.webhooks import Webhook

from relay.feedback.authenticity import in_window
from relay.feedback.providers import brevo, generic, mailersend, mailgun, postmark, resend, sendgrid, sparkpost

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BODY = b'{"type":"email.delivered","data":{}}'
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
SIGNER = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(SIGNER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def svix(body: bytes = BODY, when: datetime = NOW, secret: str = KEY, identity: str = "msg_1") -> dict[str, str]:
    return {
        "Svix-Id": identity,
        "Svix-Timestamp": str(int(when.timestamp())),
        "Svix-Signature": Webhook(secret).sign(identity, when, body.decode()),
    }


def twilio(body: bytes = BODY, when: datetime = NOW) -> dict[str, str]:
    seconds = str(int(when.timestamp()))
    signature = SIGNER.sign(seconds.encode() + body, ec.ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": seconds,
    }


def mailgun_body(when: datetime = NOW, secret: str = "key", token: str = "t1") -> bytes:
    seconds = str(int(when.timestamp()))
    signature = hmac.new(secret.encode(), f"{seconds}{token}".encode(), hashlib.sha256).hexdigest()
    return json.dumps({"signature": {"timestamp": seconds, "token": token, "signature": signature}}).encode()


def basic(value: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(value.encode()).decode()}


def test_resend_s_signature_is_taken():
    found = resend.verify(svix(), BODY, KEY, NOW)
    assert (found.accepted, found.nonce) == (True, "msg_1")


def test_h1_a_body_off_by_one_byte_is_refused():
    assert resend.verify(svix(), BODY + b" ", KEY, NOW).reason == "wrong_signature"
    assert sendgrid.verify(twilio(), BODY + b" ", PUBLIC, NOW).reason == "wrong_signature"


@pytest.mark.parametrize("name", ["Svix-Id", "Svix-Timestamp", "Svix-Signature"])
def test_h1_a_missing_header_is_refused(name):
    headers = svix()
    del headers[name]
    assert resend.verify(headers, BODY, KEY, NOW).reason == "unsigned"


@pytest.mark.parametrize("signature", ["", "v1,", "v1,AAAA", "v2,AAAA", "garbage", "v1,\xff", " , ,"])
def test_h1_a_truncated_or_strange_signature_is_refused(signature):
    assert not resend.verify(svix() | {"Svix-Signature": signature}, BODY, KEY, NOW).accepted


@pytest.mark.parametrize(("age", "reason"), [(4, ""), (6, "too_old"), (-4, ""), (-6, "too_new")])
def test_h2_the_window_is_five_minutes_both_ways(age, reason):
    when = NOW - timedelta(minutes=age)
    assert resend.verify(svix(when=when), BODY, KEY, NOW).reason == reason
    assert sendgrid.verify(twilio(when=when), BODY, PUBLIC, NOW).reason == reason


@pytest.mark.parametrize(("hours", "reason"), [(8, ""), (13, "too_old"), (-1, "too_new")])
def test_h2_mailgun_s_retries_carry_the_signature_of_the_first_time(hours, reason):
    assert mailgun.verify({}, mailgun_body(NOW - timedelta(hours=hours)), "key", NOW).reason == reason


@pytest.mark.parametrize("seconds", ["", "x", "-1", "1" * 40, "٣", "1e9"])
def test_h2_a_time_that_is_none_is_refused(seconds):
    assert not resend.verify(svix() | {"Svix-Timestamp": seconds}, BODY, KEY, NOW).accepted


def test_h3_any_of_several_signatures_may_be_the_valid_one():
    good = svix()["Svix-Signature"]
    headers = svix() | {"Svix-Signature": f"v1,AAAA v9,zz {good}"}
    assert resend.verify(headers, BODY, KEY, NOW).accepted


def test_h3_two_active_secrets_both_pass():
    for secret in (KEY, OTHER):
        assert resend.verify(svix(secret=secret), BODY, f"{KEY} {OTHER}", NOW).accepted
    assert not resend.verify(svix(secret=OTHER), BODY, KEY, NOW).accepted


@pytest.mark.parametrize("provider", [postmark, resend, sendgrid, mailgun, brevo, mailersend, sparkpost, generic])
@pytest.mark.parametrize("secret", ["", "   "])
def test_h3_an_empty_secret_is_the_operators_error(provider, secret):
    headers = svix() | twilio() | basic("user:password") | {"Signature": "00"}
    with pytest.raises(ValueError, match="secret"):
        provider.verify(headers, mailgun_body(), secret, NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%%"])
def test_h3_a_secret_that_holds_no_key_is_the_operators_error(secret):
    with pytest.raises(ValueError, match="secret"):
        resend.verify(svix(), BODY, secret, NOW)


def test_sendgrid_s_signature_is_taken_and_tells_a_copy():
    headers = twilio()
    found = sendgrid.verify(headers, BODY, PUBLIC, NOW)
    assert found.accepted
    assert found.nonce == sendgrid.verify(headers, BODY, PUBLIC, NOW).nonce


def test_sendgrid_refuses_another_key_s_signature():
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = base64.b64encode(stranger.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert sendgrid.verify(twilio(), BODY, key, NOW).reason == "wrong_signature"


def test_sendgrid_s_key_must_be_one():
    with pytest.raises(ValueError, match="public key"):
        sendgrid.verify(twilio(), BODY, "bm90IGEga2V5", NOW)


def test_mailgun_s_token_is_handed_on_against_replay():
    found = mailgun.verify({}, mailgun_body(), "key", NOW)
    assert (found.accepted, found.nonce) == (True, "t1")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"signature": 7}', b"\xff", b"[" * 100_000])
def test_mailgun_refuses_a_body_without_a_signature(body):
    assert mailgun.verify({}, body, "key", NOW).reason == "unsigned"


def test_mailgun_refuses_a_wrong_key():
    assert mailgun.verify({}, mailgun_body(secret="other"), "key", NOW).reason == "wrong_signature"


def test_mailersend_signs_the_raw_body():
    good = hmac.new(b"key", BODY, hashlib.sha256).hexdigest()
    assert mailersend.verify({"Signature": good}, BODY, "key", NOW).accepted
    assert mailersend.verify({"signature": good.upper()}, BODY, "old key", NOW).accepted
    assert not mailersend.verify({"Signature": good}, BODY[:-1], "key", NOW).accepted
    assert not mailersend.verify({"Signature": good[:-2]}, BODY, "key", NOW).accepted
    assert mailersend.verify({}, BODY, "key", NOW).reason == "unsigned"


@pytest.mark.parametrize("provider", [postmark, brevo, sparkpost, generic])
def test_h5_basic_authentication_takes_exactly_the_pair(provider):
    assert provider.verify(basic("user:password"), BODY, "user:password", NOW).accepted
    assert provider.verify(basic("user:second"), BODY, "user:password user:second", NOW).accepted
    for wrong in ("user:passwor", "user:password ", "USER:password", ":", ""):
        assert not provider.verify(basic(wrong), BODY, "user:password", NOW).accepted
    assert provider.verify({}, BODY, "user:password", NOW).reason == "unsigned"


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Bearer user:password", "Digest abc", "basic dXNlcjpwYXNzd29yZA==\n"]
)
def test_h5_other_schemes_do_not_pass_for_a_pair(value):
    found = brevo.verify({"Authorization": value}, BODY, "user:password", NOW)
    assert found.accepted is value.startswith("basic dX")


def test_a_secret_without_a_colon_is_a_bearer_token():
    assert brevo.verify({"authorization": "Bearer token1"}, BODY, "token1", NOW).accepted
    assert not brevo.verify(basic("token1"), BODY, "token1", NOW).accepted


def test_sparkpost_s_batch_id_tells_a_copy():
    headers = basic("u:p") | {"X-MessageSystems-Batch-ID": "b1"}
    assert sparkpost.verify(headers, BODY, "u:p", NOW).nonce == "b1"


def test_generic_takes_standard_webhooks():
    headers = {name.replace("Svix", "Webhook"): value for name, value in svix().items()}
    assert generic.verify(headers, BODY, KEY, NOW).accepted
    assert not generic.verify(headers, BODY + b" ", KEY, NOW).accepted


@pytest.mark.parametrize("factor", [1, 1000])
def test_h1_a_signed_time_counts_in_seconds_and_in_milliseconds(factor: int):
    minutes = {0: "", 5: "", 6: "too_new", -5: "", -6: "too_old"}
    times = {m: str(int((NOW + timedelta(minutes=m)).timestamp()) * factor) for m in minutes}
    assert {m: in_window(at, NOW, timedelta(minutes=5)) for m, at in times.items()} == minutes
