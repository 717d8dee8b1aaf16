"""What providers' webhooks say: the public samples, and payloads built from the providers' documentation."""

import json
from pathlib import Path

import pytest

from relay.feedback.parse import UnknownProviderError, parse_feedback
from relay.feedback.payload import MAX_BODY
from relay.feedback.providers import NORMALISERS
from tests.corpora import CORPORA, needs_corpora

WEBHOOKS = CORPORA / "webhooks"

SAMPLES = {
    "brevo/blocked": [("rejected", "suppressed", False)],
    "brevo/complaint": [("complained", "feedback", False)],
    "brevo/delivered": [("delivered", "", False)],
    "brevo/hard_bounce": [("bounced", "userunknown", True)],
    "brevo/opened": [("opened", "", False)],
    "brevo/request": [("queued", "", False)],
    "brevo/soft_bounce": [("bounced", "undefined", False)],
    "brevo/unsubscribed": [("unsubscribed", "feedback", False)],
    "mailersend/clicked": [("clicked", "", False)],
    "mailersend/delivered": [("delivered", "", False)],
    "mailersend/opened": [("opened", "", False)],
    "mailersend/sent": [("sent", "", False)],
    "mailersend/spam_complaint": [("complained", "feedback", False)],
    "mailgun/accepted": [("queued", "", False)],
    "mailgun/delivered_messages": [("delivered", "", False)],
    "mailgun/permanent_failure": [("bounced", "userunknown", True)],
    "mailgun/spam_complaints": [("complained", "feedback", False)],
    "mailgun/temporary_failure": [("deferred", "mailboxfull", False)],
    "postmark/bounce": [("bounced", "userunknown", True)],
    "postmark/link_click": [("clicked", "", False)],
    "postmark/spam_complaint": [("complained", "feedback", False)],
    "sendgrid/batch": [("rejected", "suppressed", False), ("clicked", "", False)],
}


def told(events):
    return [(event.event_type, event.reason, event.hard) for event in events]


@needs_corpora
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("guessed", [True, False], ids=["guessed", "named"])
def test_the_public_samples_mean_what_their_names_say(name, guessed):
    provider = name.partition("/")[0]
    events = parse_feedback((WEBHOOKS / f"{name}.json").read_bytes(), None if guessed else provider)
    assert told(events) == SAMPLES[name]
    for event in events:
        assert event.provider == provider
        assert "@" in event.recipient
        assert event.event_id
        assert event.message_id
        assert event.timestamp is not None
        assert event.timestamp.utcoffset() is not None


@needs_corpora
def test_no_public_sample_is_left_out():
    found = {f"{path.parent.name}/{path.stem}" for path in WEBHOOKS.glob("*/*.json")}
    assert found == set(SAMPLES)


def resend(kind: str, **data: object) -> dict[str, object]:
    common = {"email_id": "56761188", "from": "a@example.com", "to": ["bob@example.org"], "subject": "Hi"}
    return {"type": kind, "created_at": "2026-01-01T10:00:00.000Z", "data": {**common, **data}}


def bounce(kind: str, subtype: str, message: str) -> dict[str, str]:
    return {"type": kind, "subType": subtype, "message": message}


SUPPRESSED = "The recipient's email address is on the suppression list because it has a recent history of hard bounces."

RESEND = [
    (resend("email.sent"), ("sent", "", False)),
    (resend("email.delivered"), ("delivered", "", False)),
    (resend("email.delivery_delayed"), ("deferred", "undefined", False)),
    (resend("email.complained"), ("complained", "feedback", False)),
    (resend("email.opened"), ("opened", "", False)),
    (resend("email.clicked"), ("clicked", "", False)),
    (resend("email.failed", failed={"reason": "reached_daily_quota"}), ("failed", "systemerror", False)),
    (resend("email.suppressed", suppressed={"message": "x"}), ("rejected", "suppressed", False)),
    (resend("email.bounced", bounce=bounce("Permanent", "General", "")), ("bounced", "userunknown", True)),
    (resend("email.bounced", bounce=bounce("Permanent", "Suppressed", SUPPRESSED)), ("bounced", "suppressed", False)),
    (
        resend("email.bounced", bounce=bounce("Transient", "MailboxFull", "552 5.2.2 Mailbox full")),
        ("bounced", "mailboxfull", False),
    ),
    (resend("email.something_new"), ("unknown", "", False)),
]


@pytest.mark.parametrize(("payload", "expected"), RESEND)
def test_resend_events(payload, expected):
    [event] = parse_feedback(json.dumps(payload).encode())
    assert (event.event_type, event.reason, event.hard) == expected
    assert (event.recipient, event.message_id) == ("bob@example.org", "56761188")


def test_resend_hands_back_our_own_header():
    payload = resend("email.delivered", headers=[{"name": "X-Gatepost-Send", "value": "send_1"}])
    assert parse_feedback(json.dumps(payload).encode())[0].metadata == {"x-gatepost-send": "send_1"}


MAIL = {
    "timestamp": "2026-01-01T10:00:00.000Z",
    "messageId": "EXAMPLE7c191be45-e9aedb9a",
    "destination": ["bob@example.org"],
    "tags": {"ses:configuration-set": ["x"], "send": ["send_1"]},
}


def ses(kind: str, **detail: object) -> dict[str, object]:
    return {"eventType": kind, "mail": MAIL, **detail}


def ses_bounce(kind: str, subtype: str, said: str = "", status: str = "") -> dict[str, object]:
    one = {"emailAddress": "bob@example.org", "action": "failed", "status": status, "diagnosticCode": said}
    return {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [one],
        "timestamp": "2026-01-01T10:00:01.000Z",
        "feedbackId": "f1",
    }


SES = [
    (ses("Send", send={}), ("sent", "", False)),
    (ses("Delivery", delivery={"recipients": ["bob@example.org"]}), ("delivered", "delivered", False)),
    (ses("Reject", reject={"reason": "Bad content: virus"}), ("rejected", "virusdetected", False)),
    (ses("Open", open={}), ("opened", "", False)),
    (ses("Click", click={}), ("clicked", "", False)),
    (ses("Rendering Failure", failure={"errorMessage": "x"}), ("failed", "", False)),
    (
        ses("Bounce", bounce=ses_bounce("Permanent", "General", "smtp; 550 5.1.1 user unknown", "5.1.1")),
        ("bounced", "userunknown", True),
    ),
    (ses("Bounce", bounce=ses_bounce("Permanent", "NoEmail")), ("bounced", "userunknown", True)),
    (
        ses("Bounce", bounce=ses_bounce("Permanent", "General", "smtp; 550 5.7.1 DMARC policy", "5.7.1")),
        ("bounced", "authfailure", False),
    ),
    (ses("Bounce", bounce=ses_bounce("Permanent", "Suppressed")), ("bounced", "suppressed", True)),
    (ses("Bounce", bounce=ses_bounce("Permanent", "OnAccountSuppressionList")), ("bounced", "suppressed", False)),
    (ses("Bounce", bounce=ses_bounce("Transient", "MailboxFull")), ("bounced", "mailboxfull", False)),
    (ses("Bounce", bounce=ses_bounce("Transient", "General")), ("autoresponded", "vacation", False)),
    (
        ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": "bob@example.org"}]}),
        ("complained", "feedback", False),
    ),
    (
        ses(
            "DeliveryDelay",
            deliveryDelay={
                "delayType": "TransientCommunicationFailure",
                "delayedRecipients": [{"emailAddress": "bob@example.org", "status": "4.4.1"}],
            },
        ),
        ("deferred", "networkerror", False),
    ),
]


@pytest.mark.parametrize(("payload", "expected"), SES)
def test_ses_events_in_every_wrapping(payload, expected):
    by_sns = {"Type": "Notification", "TopicArn": "arn:x", "MessageId": "m1", "Message": json.dumps(payload)}
    by_eventbridge = {"id": "e1", "detail-type": "Email", "source": "aws.ses", "detail": payload}
    for wrapped in (payload, by_sns, by_eventbridge):
        [event] = parse_feedback(json.dumps(wrapped).encode())
        assert (event.event_type, event.reason, event.hard) == expected
        assert (event.recipient, event.message_id) == ("bob@example.org", MAIL["messageId"])
        assert event.metadata == {"send": "send_1"}


def test_an_sns_confirmation_is_no_event():
    assert parse_feedback(b'{"Type": "SubscriptionConfirmation", "TopicArn": "arn:x", "Message": "hi"}') == []


def sparkpost(outer: str = "message_event", **inner: object) -> list[object]:
    common = {
        "rcpt_to": "bob@example.org",
        "message_id": "000443ee",
        "event_id": "92356927",
        "timestamp": "1767261600",
        "rcpt_meta": {"send": "send_1"},
    }
    return [{"msys": {outer: {**common, **inner}}}]


SPARKPOST = [
    (sparkpost(type="injection"), ("queued", "", False)),
    (sparkpost(type="delivery"), ("delivered", "", False)),
    (
        sparkpost(type="delay", bounce_class="22", raw_reason="452 4.2.2 over quota"),
        ("deferred", "mailboxfull", False),
    ),
    (
        sparkpost(type="bounce", bounce_class="10", raw_reason="550 5.1.1 no such user", error_code="550"),
        ("bounced", "userunknown", True),
    ),
    (
        sparkpost(type="bounce", bounce_class="51", raw_reason="550 blocked as spam", error_code="550"),
        ("bounced", "spamdetected", False),
    ),
    (sparkpost(type="bounce", bounce_class="25"), ("bounced", "suppressed", False)),
    (sparkpost(type="out_of_band", bounce_class="60"), ("autoresponded", "vacation", False)),
    (sparkpost(type="policy_rejection", bounce_class="25"), ("rejected", "suppressed", False)),
    (sparkpost(type="spam_complaint", fbtype="abuse"), ("complained", "feedback", False)),
    (sparkpost("unsubscribe_event", type="list_unsubscribe"), ("unsubscribed", "feedback", False)),
    (sparkpost("track_event", type="open"), ("opened", "", False)),
    (sparkpost("track_event", type="click"), ("clicked", "", False)),
]


@pytest.mark.parametrize(("payload", "expected"), SPARKPOST)
def test_sparkpost_events(payload, expected):
    [event] = parse_feedback(json.dumps(payload).encode())
    assert (event.event_type, event.reason, event.hard) == expected
    assert (event.recipient, event.event_id, event.metadata) == ("bob@example.org", "92356927", {"send": "send_1"})
    assert event.as_json()["timestamp"] == "2026-01-01T10:00:00Z"


def test_sparkpost_s_empty_test_row_is_no_event():
    assert parse_feedback(b'[{"msys": {}}]') == []


def test_postmark_s_late_refusal_is_a_rejection():
    payload = {"RecordType": "Bounce", "Type": "SMTPApiError", "ID": 7, "Email": "bob@example.org"}
    assert told(parse_feedback(json.dumps(payload).encode())) == [("rejected", "suppressed", False)]


@pytest.mark.parametrize(
    ("kind", "hard"), [("HardBounce", True), ("SoftBounce", False), ("Blocked", False), ("Transient", False)]
)
def test_postmark_bounces_are_hard_only_about_the_address(kind, hard):
    payload = {"RecordType": "Bounce", "Type": kind, "ID": 7, "Email": "bob@example.org"}
    assert parse_feedback(json.dumps(payload).encode())[0].hard is hard


@pytest.mark.parametrize(
    ("why", "kind"),
    [("HardBounce", "unknown"), ("SpamComplaint", "complained"), ("ManualSuppression", "unsubscribed")],
)
def test_postmark_s_own_suppression_is_a_wish_only_where_a_person_had_it(why, kind):
    payload = {"RecordType": "SubscriptionChange", "SuppressSending": True, "SuppressionReason": why}
    assert parse_feedback(json.dumps(payload).encode())[0].event_type == kind


@pytest.mark.parametrize("cut", [rb"\ud83d", rb"\ude00", rb"\\\ud83d\ud83d\ude00", b"\xf0\x9f"])
def test_h6_a_text_that_was_cut_within_a_character_costs_no_event_of_the_call(cut):
    events = b'[{"RecordType": "Bounce", "ID": 1, "Subject": "%s"}, {"RecordType": "Open"}]' % cut
    assert [event.event_type for event in parse_feedback(events)] == ["bounced", "opened"]


def test_a_permanent_failure_for_policy_is_not_hard():
    event = {
        "event": "bounce", "type": "bounce", "email": "bob@example.org", "sg_event_id": "1",
        "reason": "550 5.7.1 Message rejected due to DMARC policy", "status": "5.7.1", "send": "send_1",
    }  # fmt: skip
    [found] = parse_feedback(json.dumps([event]).encode())
    assert (found.reason, found.hard, found.metadata) == ("authfailure", False, {"send": "send_1"})


def test_sendgrid_s_blocked_is_soft():
    event = {
        "event": "bounce",
        "type": "blocked",
        "email": "bob@example.org",
        "sg_event_id": "1",
        "reason": "try later",
    }
    assert parse_feedback(json.dumps([event]).encode())[0].hard is False


def test_mailersend_s_hard_bounce_is_hard():
    payload = {
        "type": "activity.hard_bounced",
        "data": {
            "id": "1",
            "email": {"message": {"id": "m"}, "recipient": {"email": "bob@example.org"}},
            "morph": {"reason": "550 5.1.1 User unknown"},
        },
    }
    assert told(parse_feedback(json.dumps(payload).encode())) == [("bounced", "userunknown", True)]


FULL = "452 4.2.2 The recipient's mailbox is full"
MORPH = {"email": {"message": {"id": "m"}, "recipient": {"email": "bob@example.org"}}, "morph": {"reason": FULL}}
POSTMARK_SAYS = (
    "Unable to temporarily deliver message (i.e. mailbox full, account disabled, exceeds quota, out of disk space)."
)
GIVEN_UP = [
    ({"RecordType": "Bounce", "Type": "SoftBounce", "Email": "b@example.org", "Description": POSTMARK_SAYS}, True),
    ({"RecordType": "Bounce", "Type": "Transient", "Email": "b@example.org", "Description": POSTMARK_SAYS}, False),
    (ses("Bounce", bounce=ses_bounce("Transient", "MailboxFull")), True),
    (ses("Bounce", bounce=ses_bounce("Transient", "General")), False),  # answers of absent people come so
    (ses("Bounce", bounce=ses_bounce("Transient", "MessageTooLarge")), False),
    (resend("email.bounced", bounce=bounce("Transient", "General", FULL)), True),
    (sparkpost(type="bounce", bounce_class="22", raw_reason=FULL, error_code="452"), True),
    (sparkpost(type="bounce", bounce_class="52", error_code="452"), False),
    ([{"event": "bounce", "type": "blocked", "email": "b@example.org", "reason": FULL, "sg_event_id": "1"}], True),
    ({"event": "soft_bounce", "email": "b@example.org", "message-id": "<m@example.org>", "reason": FULL}, True),
    ({"type": "activity.soft_bounced", "data": MORPH}, True),
]


@pytest.mark.parametrize(("payload", "soft"), GIVEN_UP)
def test_a_soft_bounce_is_the_recipients_own_where_the_provider_says_so_and_is_at_its_end(payload, soft):
    [event] = parse_feedback(json.dumps(payload).encode())
    assert (event.soft, event.hard) == (soft, False)


def test_generic_events_take_our_own_names_in_both_spellings():
    camel = {"eventType": "bounced", "recipient": "bob@example.org", "hard": True, "messageId": "m1"}
    snake = {"event_type": "bounced", "recipient": "bob@example.org", "hard": True, "message_id": "m1"}
    one, other = (parse_feedback(json.dumps(payload).encode())[0].as_json() for payload in (camel, snake))
    assert one == other
    assert one["hard"] is True


def test_the_same_event_told_twice_has_the_same_id():
    payload = json.dumps(resend("email.delivered")).encode()
    assert parse_feedback(payload)[0].event_id == parse_feedback(payload)[0].event_id


def test_a_provider_nobody_knows_is_named_in_the_error():
    with pytest.raises(UnknownProviderError, match="pigeon"):
        parse_feedback(b"{}", "pigeon")


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[]",
        b"[null, 1, [], {}]",
        b'{"data": [], "event-data": 3, "msys": [1], "mail": "x", "Message": "{"}',
        b'{"event": {"a": 1}, "type": 7, "email": {"x": []}, "timestamp": 1e400, "Metadata": {"a": [1]}}',
        b'{"timestamp": 99999999999999999999999999999, "BouncedAt": "not a time", "RecordType": "Bounce"}',
        b"[" * 900 + b"]" * 900,
        b"[" * 100_000,
        b'{"a": NaN}',
        b"\xff\xfe{",
    ],
    ids=range(10),
)
def test_h6_strange_payloads_raise_nothing(payload):
    for provider in NORMALISERS:
        for event in parse_feedback(payload, provider):
            json.dumps(event.as_json())


def test_h6_a_body_beyond_the_limit_is_not_parsed():
    assert parse_feedback(b'{"RecordType": "Open", "x": "' + b"a" * MAX_BODY + b'"}') == []


def test_h6_a_thousand_events_are_a_thousand_events():
    rows = [{"event": "open", "email": f"u{number}@x.org", "sg_event_id": str(number)} for number in range(1_000)]
    assert len(parse_feedback(json.dumps(rows).encode())) == 1_000


def test_a_notification_that_sns_sent_as_mail_is_read():
    payload = {"notificationType": "Bounce", "mail": MAIL, "bounce": ses_bounce("Permanent", "General", "550 5.1.1 x")}
    envelope = {"Type": "Notification", "TopicArn": "arn:x", "MessageId": "m", "Message": json.dumps(payload)}
    mail = (
        b"From: no-reply@sns.amazonaws.com\nContent-Type: text/plain\n\n"
        + json.dumps(envelope).encode()
        + b"\n\n--\nbye"
    )
    assert told(parse_feedback(mail)) == [("bounced", "userunknown", True)]


def test_every_module_of_a_provider_is_registered():
    folder = Path(__file__).parents[2] / "relay" / "feedback" / "providers"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "sns"}
    assert modules == set(NORMALISERS)
