"""What leaves: fault cases M1, M9, M11, M12, P6, P7, S3, S38."""

from datetime import UTC, datetime

import dkim
import pytest

from relay.mail.address import parse_path
from relay.mail.departure import STRIPPED, Departure, Dress, Strip, WireError, check_wire_form, depart
from relay.mail.dkim import Signer, SigningError
from relay.mail.dkim_key import generate_ed25519, generate_rsa
from relay.mail.edit import Edit
from relay.mail.header import HeaderBlock
from relay.mail.newline import PIECE
from relay.mail.received import Reception, mail_date, protocol, received_field
from tests.corpora import CORPORA, needs_corpora
from tests.support.published import dns

AT = datetime(2026, 11, 23, 22, 26, 28, tzinfo=UTC)
SIGNERS = (Signer("ok.com", "gp1", generate_rsa()), Signer("ok.com", "gp1e", generate_ed25519()))
PUBLISHED = dns(SIGNERS)
HEAD = b"From: A <a@ok.com>\r\nTo: b@example.org\r\nSubject: hi\r\n"
BODY = b"body  with blanks \r\n.\r\n\r\n"
RECEIVED = received_field(Reception("relay.example.com", "ESMTPSA", "send_01", AT))
DRESS = Dress(RECEIVED, (), b"Date: " + mail_date(AT).encode() + b"\r\n", b"Message-ID: <send_01@relay>\r\n", SIGNERS)
BARE = Dress()


def leave(data: bytes, dress: Dress = BARE, **options: object) -> Departure:
    return depart(data, HeaderBlock.parse(data), dress, **options)


def test_M1_what_leaves_verifies_under_both_keys() -> None:
    out = bytes(leave(HEAD + b"\r\n" + BODY, DRESS))
    assert [dkim.DKIM(out).verify(idx=i, dnsfunc=PUBLISHED) for i in (0, 1)] == [True, True]


def test_our_fields_stand_on_top_and_the_message_below_is_untouched() -> None:
    data = HEAD + b"\r\n" + BODY
    out = bytes(leave(data, DRESS))
    top, _, rest = out.partition(b"From: ")
    assert b"From: " + rest == data
    names = [f.name for f in HeaderBlock.parse(top + b"\r\n").fields]
    assert names == [b"dkim-signature", b"dkim-signature", b"received", b"date", b"message-id"]


def test_M11_the_body_is_a_view_and_not_a_copy() -> None:
    data = HEAD + b"\r\n" + BODY
    body = leave(data, DRESS).chunks[1]
    assert isinstance(body, memoryview)
    assert body.obj is data


def test_the_same_message_leaves_alike_a_second_time() -> None:
    data = HEAD + b"\r\n" + BODY
    assert bytes(leave(data, DRESS)) == bytes(leave(data, DRESS))


def test_date_and_message_id_are_added_only_where_missing() -> None:
    data = HEAD + b"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nmessage-id: <own@x>\r\n\r\n" + BODY
    assert bytes(leave(data, Dress(date=DRESS.date, message_id=DRESS.message_id))) == data


def test_a_date_and_a_message_id_with_nothing_in_them_are_missing() -> None:
    out = leave(HEAD + b"Date:\r\nMESSAGE-ID: \r\n\r\n" + BODY, Dress(date=DRESS.date, message_id=DRESS.message_id))
    assert bytes(out) == DRESS.date + DRESS.message_id + HEAD + b"\r\n" + BODY


def test_P7_bcc_never_leaves() -> None:
    out = leave(HEAD + b"Bcc: secret@example.net,\r\n other@example.net\r\nbcc: third@x.y\r\n\r\n" + BODY)
    assert bytes(out) == HEAD + b"\r\n" + BODY


@pytest.mark.parametrize(
    "name",
    [
        b"X-Gatepost-Dedupe-Key",
        b"X-Gatepost-Anything",
        b"Return-Path",
        b"Authentication-Results",
        b"Delivered-To",
        b"Resent-Bcc",
        b"X-SMTPAPI",
        b"X-MSYS-API",
        b"X-SES-CONFIGURATION-SET",
        b"X-PM-Message-Stream",
        b"X-Mailgun-Drop-Message",
        b"X-Mailgun-Recipient-Variables",
        b"X-Mailin-Tag",
        b"X-MailerSend-Tags",
        b"Resend-Idempotency-Key",
        b"Idempotency-Key",
        b"X-MC-Subaccount",
        b"sender.ip",
        b"idempotencyKey",
        b"Received-SPF",
        b"BIMI-Indicator",
        b"BIMI-Location",
        b"X-Spam-Status",
        b"X-Forefront-Antispam-Report",
        b"X-Microsoft-Antispam",
        b"Feedback-ID",
        b"On-Behalf-Of",
        b"Original-From",
        b"X-Original-From",
        b"X-Google-Original-From",
        b"X-Authentication-Results",
        b"X-Entity-Ref-ID",
        b"X-SIB-Sandbox",
        b"X-SG-EID",
        b"X-MJ-TemplateID",
        b"X-Mailjet-Campaign",
        b"X-ElasticEmail-Channel",
        b"X-SMTP2GO-Subaccount",
        b"X-MT-Category",
        b"X-MS-Exchange-Organization-SCL",
    ],
)
def test_P6_a_control_field_never_leaves(name: bytes) -> None:
    out = leave(HEAD + name + b": x\r\n y\r\n\r\n" + BODY)
    assert bytes(out) == HEAD + b"\r\n" + BODY


def test_P6_other_fields_leave_as_they_came() -> None:
    kept = b"X-Mailer: agent\r\nX-Priority: 1\r\nX-Custom:  odd\r\n\tfold \r\nReceived: from a by b; x\r\n"
    assert bytes(leave(HEAD + kept + b"\r\n" + BODY)) == HEAD + kept + b"\r\n" + BODY


def test_P6_the_list_can_be_longer_and_our_own_fields_for_a_provider_still_leave() -> None:
    strip = STRIPPED | Strip(frozenset({b"x-mailer"}), (b"x-own-",))
    data = HEAD + b"X-Mailer: y\r\nX-Own-Z: z\r\nBcc: x@y.z\r\nX-PM-Tag: theirs\r\n\r\n" + BODY
    out = bytes(leave(data, Dress(add=(b"X-PM-Tag: ours\r\n",)), strip=strip))
    assert out == b"X-PM-Tag: ours\r\n" + HEAD + b"\r\n" + BODY


def test_an_added_field_takes_the_place_of_those_of_its_name() -> None:
    data = HEAD + b"list-unsubscribe: <https://other/>\r\n\r\n" + BODY
    out = leave(data, Dress(add=(b"List-Unsubscribe: <https://ours/>\r\n",)))
    assert bytes(out) == b"List-Unsubscribe: <https://ours/>\r\n" + HEAD + b"\r\n" + BODY


FOREIGN = b"DKIM-Signature: v=1; d=other.net; s=x;\r\n\th=From:Subject:Bcc; bh=x; b=y\r\n"
ARC = (
    b"ARC-Seal: i=1; d=other.net; b=x\r\nARC-Message-Signature: i=1; d=other.net; h=From:Subject; b=x\r\n"
    b"ARC-Authentication-Results: i=1; other.net; none\r\n"
)


def test_M12_a_foreign_signature_that_still_holds_is_kept_below_ours() -> None:
    out = bytes(leave(FOREIGN + ARC + HEAD + b"\r\n" + BODY, DRESS))
    assert out.endswith(FOREIGN + ARC + HEAD + b"\r\n" + BODY)
    assert out.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")


def test_M12_a_signature_that_cannot_hold_any_more_is_removed() -> None:
    data = FOREIGN + ARC + HEAD + b"\r\n" + BODY
    for out in (
        leave(data, edits=[Edit(len(data), len(data), b"new line\r\n")]),
        leave(data, edits=[Edit(len(FOREIGN + ARC), len(FOREIGN + ARC), b"X: y\r\n")]),
        leave(data, Dress(add=(b"Subject: changed\r\n",))),
    ):
        assert b"other.net" not in bytes(out)
    missing = b"DKIM-Signature: v=1; d=other.net; h=From:List-Id; bh=x; b=y\r\n"  # signed that there is none
    named = Dress(add=(b"List-Id: <a.b>\r\n",))
    assert bytes(leave(missing + HEAD + b"\r\n" + BODY, named)) == b"List-Id: <a.b>\r\n" + HEAD + b"\r\n" + BODY
    added = Dress(add=(b"X-Own: z\r\n",))  # named in no signature
    assert bytes(leave(FOREIGN + HEAD + b"Bcc: x@y.z\r\n\r\n" + BODY, added)) == b"X-Own: z\r\n" + HEAD + b"\r\n" + BODY


def test_M12_a_chain_of_arc_leaves_whole_or_not_at_all() -> None:
    kept, changed = b"X: y\r\n" + HEAD + b"\r\n" + BODY, Dress(add=(b"X: z\r\n",))
    broken = ARC.replace(b"h=From", b"h=X:From")
    assert bytes(leave(FOREIGN + broken + kept, changed)) == b"X: z\r\n" + FOREIGN + HEAD + b"\r\n" + BODY
    dkim = FOREIGN.replace(b"h=From", b"h=X:From")
    assert bytes(leave(dkim + ARC + kept, changed)) == b"X: z\r\n" + ARC + HEAD + b"\r\n" + BODY


def test_M12_a_signature_in_our_own_name_is_replaced() -> None:
    data = b"DKIM-Signature: v=1; d=OK.com; s=old; h=From; bh=x; b=y\r\n" + HEAD + b"\r\n" + BODY
    assert b"s=old" not in bytes(leave(data, DRESS))


def test_M7_a_message_that_cannot_be_signed_does_not_leave() -> None:
    with pytest.raises(SigningError):
        leave(b"From: a@ok.com\r\nFrom: b@ok.com\r\n\r\n" + BODY, DRESS)


def test_M9_a_field_the_provider_replaces_is_left_out_of_the_signature() -> None:
    dress = Dress(signers=SIGNERS[1:], unsigned=frozenset({b"message-id", b"date"}))
    out = bytes(leave(HEAD + b"Message-ID: <a@b>\r\n\r\n" + BODY, dress))
    assert dkim.DKIM(out.replace(b"<a@b>", b"<0100@eu-west-1.amazonses.com>")).verify(dnsfunc=PUBLISHED)


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"a\r\n\n", b"\n.\r\n"])
def test_S3_a_bare_line_end_never_leaves(body: bytes) -> None:
    with pytest.raises(WireError):
        leave(HEAD + b"\r\n" + body)
    data = HEAD + b"\r\nx\r\n"
    with pytest.raises(WireError):
        leave(data, edits=[Edit(len(data), len(data), body[i : i + 1]) for i in range(len(body))])


def test_S3_a_line_end_between_two_pieces_is_none_that_is_bare() -> None:
    check_wire_form([b"a\r", b"\nb\r\n", b"", memoryview(b"c\r"), b"\n"])
    with pytest.raises(WireError):
        check_wire_form([b"a\r", b"", b"b\r\n", b"\n"])
    with pytest.raises(WireError):
        check_wire_form([b"a\r\nb"])
    with pytest.raises(WireError):
        leave(HEAD + b"\r\n" + BODY, Dress(add=(b"X: a\nBcc: b\r\n",)))


@pytest.mark.parametrize(
    ("data", "out"),
    [
        (HEAD + b"\r\nno end", HEAD + b"\r\nno end\r\n"),
        (HEAD + b"\r\n", HEAD + b"\r\n"),
        (HEAD, HEAD + b"\r\n"),
        (HEAD + b"X: y", HEAD + b"X: y\r\n\r\n"),
    ],
)
def test_a_message_without_its_end_is_given_one(data: bytes, out: bytes) -> None:
    assert bytes(leave(data)) == out
    assert leave(data).size == len(out)


def test_planned_edits_are_carried_out_before_signing() -> None:
    head = HEAD + b"Content-Type: text/plain\r\n"
    data = head + b"\r\n" + BODY
    edits = [
        Edit(head.index(b"text/plain"), len(head) - 2, b"text/plain; charset=utf-8"),
        Edit(len(head), len(head), b"Content-Transfer-Encoding: 8bit\r\n"),
        Edit(len(head) + 2, len(head) + 2, b"first\r\n"),
        Edit(len(data), len(data), "–-\r\nfooter".encode()),
    ]
    out = bytes(leave(data, DRESS, edits=edits))
    new_head = HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    assert out.endswith(new_head + b"first\r\n" + BODY + "–-\r\nfooter\r\n".encode())
    assert [dkim.DKIM(out).verify(idx=i, dnsfunc=PUBLISHED) for i in (0, 1)] == [True, True]


def test_an_edit_across_the_end_of_the_header_is_a_mistake() -> None:
    data = HEAD + b"\r\n" + BODY
    with pytest.raises(ValueError, match="from the header into the body"):
        leave(data, edits=[Edit(len(HEAD) - 2, len(HEAD) + 4, b"")])


@pytest.mark.parametrize(
    ("head", "body", "needs"),
    [
        (HEAD, BODY, (False, False)),
        (HEAD, "grüße\r\n".encode(), (True, False)),
        (HEAD + "X-Name: Jörg\r\n".encode(), BODY, (True, True)),
    ],
)
def test_S28_what_the_next_hop_must_offer_is_known(head: bytes, body: bytes, needs: tuple[bool, bool]) -> None:
    for above in (b"", b"line\r\n" * PIECE):
        out = leave(head + b"\r\n" + above + body)
        assert (out.needs_8bitmime, out.needs_smtputf8) == needs


@needs_corpora
def test_M11_every_corpus_message_leaves_unchanged_below_our_fields() -> None:
    seen = 0
    for path in sorted((CORPORA / "mime").rglob("*")):
        if not path.is_file() or path.suffix == ".json":
            continue
        raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        header = HeaderBlock.parse(raw)
        if header.faults or not raw.endswith(b"\r\n") or header.end == len(raw):
            continue
        seen += 1
        out = depart(raw, header, Dress(received=RECEIVED), strip=Strip(frozenset()))
        assert bytes(out) == RECEIVED + raw, path
    assert seen > 100


def test_received_tells_how_the_message_came_and_not_from_where() -> None:
    assert received_field(Reception("relay.example.com", "ESMTPSA", "send_01", AT, parse_path("b@x.com"))) == (
        b"Received: by relay.example.com with ESMTPSA id send_01\r\n"
        b"\tfor <b@x.com>;\r\n"
        b"\tMon, 23 Nov 2026 22:26:28 +0000\r\n"
    )


def test_the_protocol_word_follows_the_standards() -> None:
    assert protocol(tls=False, utf8=False) == "ESMTPA"
    assert protocol(tls=True, utf8=True) == "UTF8SMTPSA"
