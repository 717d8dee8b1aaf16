"""SNS envelopes: signature, certificate, topics and confirmations (faults H4)."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from relay.feedback.providers import ses, sns

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:gatepost"
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
AIA = "http://crt.r2m01.amazontrust.com/r2m01.cer"
CA_KEY = ec.generate_private_key(ec.SECP256R1())
KEY = rsa.generate_private_key(65537, 2048)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(subject, key, issuer, issuer_key, *, ca=False, host="sns.amazonaws.com", aia="", until=365):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=until))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if aia:
        location = x509.UniformResourceIdentifier(aia)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(issuer_key, SHA256())


ROOT = certificate("Amazon Root", CA_KEY, "Amazon Root", CA_KEY, ca=True)
MIDDLE_KEY = ec.generate_private_key(ec.SECP256R1())
MIDDLE = certificate("Amazon M01", MIDDLE_KEY, "Amazon Root", CA_KEY, ca=True)
LEAF = certificate("sns.amazonaws.com", KEY, "Amazon M01", MIDDLE_KEY, aia=AIA)


def pem(*certificates) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


class Web:
    """What can be fetched; it remembers what was asked for."""

    def __init__(self, pages=None):
        self.pages = pages if pages is not None else {URL: pem(LEAF), AIA: MIDDLE.public_bytes(Encoding.DER)}
        self.asked = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise OSError("not found")
        return self.pages[url]


def envelope(version="2", **changes):
    found = {
        "Type": "Notification",
        "MessageId": "m1",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": '{"eventType": "Send"}',
        "Timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": URL,
        **changes,
    }
    found = {key: value for key, value in found.items() if value is not None}
    algorithm = SHA1() if version == "1" else SHA256()
    signature = KEY.sign(sns._canonical(found), PKCS1v15(), algorithm)
    return {**found, "Signature": base64.b64encode(signature).decode()}


def verify(found, web=None, topics=TOPIC, roots=(ROOT,)):
    raw = json.dumps(found).encode()
    return ses.verify(raw, topics, NOW, fetch=web or Web(), roots=roots)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["A subject", None])
def test_h4_both_signature_versions_are_taken_with_and_without_a_subject(version, subject):
    found = verify(envelope(version, Subject=subject))
    assert (found.accepted, found.nonce) == (True, "m1")


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp"])
def test_h4_a_changed_field_is_refused(field):
    found = envelope()
    found[field] = found[field].replace("2", "1") + (" " if field != "Timestamp" else "")
    assert not verify(found).accepted


def test_h4_a_subject_added_later_is_refused():
    assert verify(envelope(Subject=None) | {"Subject": "x"}).reason == "wrong_signature"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.evil.com/amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.com/a.pem",
        "https://evil.s3.amazonaws.com/a.pem",
        "https://sns.evil.s3.amazonaws.com/a.pem",
        "https://sns.s3.eu-west-1.amazonaws.com/a.pem",
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.eu-west-1.amazonaws.com/a?x=.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com\n.evil.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:x/a.pem",
        "https://xsns.eu-west-1.amazonaws.com/a.pem",
        "https://[::1]/a.pem",
        "https://sns.eu-west-1.amazonaws.com\u3002evil.com/a.pem",
        "file:///etc/a.pem",
        "",
    ],
)
def test_h4_a_certificate_from_elsewhere_is_not_even_fetched(url):
    web = Web({url: pem(LEAF)})
    assert verify(envelope(SigningCertURL=url), web).reason == "bad_certificate"
    assert web.asked == []


def test_h4_the_chinese_regions_have_their_own_suffix():
    assert sns.certificate_url("https://sns.cn-north-1.amazonaws.com.cn/a.pem")


def test_h4_a_certificate_no_root_vouches_for_is_refused():
    stranger = certificate("Other", CA_KEY, "Other", CA_KEY, ca=True)
    own = rsa.generate_private_key(65537, 2048)
    forged = certificate("sns.amazonaws.com", own, "sns.amazonaws.com", own)
    assert verify(envelope(), roots=(stranger,)).reason == "bad_certificate"
    assert verify(envelope(), Web({URL: pem(forged)})).reason == "bad_certificate"


def test_h4_a_certificate_for_another_name_is_refused():
    other = certificate("x", KEY, "Amazon M01", MIDDLE_KEY, host="bucket.s3.amazonaws.com")
    assert verify(envelope(), Web({URL: pem(other, MIDDLE)})).reason == "bad_certificate"


def test_h4_a_certificate_out_of_date_is_refused():
    old = certificate("sns.amazonaws.com", KEY, "Amazon M01", MIDDLE_KEY, until=-0.5)
    assert verify(envelope(), Web({URL: pem(old, MIDDLE)})).reason == "bad_certificate"


def test_h4_a_chain_that_stands_in_the_file_is_used():
    assert verify(envelope(), Web({URL: pem(LEAF, MIDDLE)})).accepted


def test_h4_an_issuer_is_fetched_only_from_amazon_s_own():
    lured = certificate("sns.amazonaws.com", KEY, "Amazon M01", MIDDLE_KEY, aia="http://169.254.169.254/x")
    web = Web({URL: pem(lured)})
    assert verify(envelope(), web).reason == "bad_certificate"
    assert web.asked == [URL]


@pytest.mark.parametrize("page", [b"", b"not a certificate", pem(LEAF)[:200]])
def test_h4_junk_in_place_of_a_certificate_is_refused(page):
    assert verify(envelope(), Web({URL: page})).reason == "bad_certificate"


def test_h4_an_unreachable_certificate_proves_and_refutes_nothing():
    with pytest.raises(OSError, match="not found"):
        verify(envelope(), Web({}))


def test_h4_a_page_of_the_network_s_own_in_place_of_an_issuer_refutes_nothing():
    with pytest.raises(OSError, match="not a certificate"):
        verify(envelope(), Web({URL: pem(LEAF), AIA: b"<html>please log in"}))


def test_h4_a_foreign_topic_is_refused_before_anything_is_fetched():
    web = Web()
    assert verify(envelope(), web, topics="arn:aws:sns:eu-west-1:1:other").reason == "foreign"
    assert web.asked == []


def test_h4_several_topics_may_be_listed():
    assert verify(envelope(), topics=f"arn:aws:sns:eu-west-1:1:other {TOPIC}").accepted


def test_h2_an_old_notification_is_refused():
    old = (NOW - timedelta(hours=2)).isoformat()
    assert verify(envelope(Timestamp=old)).reason == "too_old"


def test_h1_an_unsigned_envelope_is_refused():
    found = envelope()
    del found["Signature"]
    assert verify(found).reason == "unsigned"
    assert ses.verify(b"not json", TOPIC, NOW, fetch=Web(), roots=(ROOT,)).reason == "unsigned"


def test_an_unknown_signature_version_is_refused():
    assert verify(envelope() | {"SignatureVersion": "3"}).reason == "wrong_signature"


def confirmation(**changes):
    return envelope(
        Type="SubscriptionConfirmation",
        Token="t",
        Subject=None,
        SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x",
        **changes,
    )


def test_h4_a_listed_topic_s_subscription_may_be_confirmed():
    found = confirmation()
    assert verify(found).accepted
    assert sns.subscription_url(found, [TOPIC]) == found["SubscribeURL"]


def test_h4_a_foreign_confirmation_is_never_followed():
    assert sns.subscription_url(confirmation(), ["arn:other"]) == ""
    assert sns.subscription_url(confirmation() | {"SubscribeURL": "https://evil.example/?x"}, [TOPIC]) == ""
    assert sns.subscription_url(envelope(), [TOPIC]) == ""
