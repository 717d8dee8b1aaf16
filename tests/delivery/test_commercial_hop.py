"""Commercial mail of many structures through a whole Gatepost to a real SMTP server, and what arrives there."""

import ctypes
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import dkim
import pytest

from relay.mail.address import parse_path
from relay.mail.verp import read_address
from tests.support.needs import missing
from tests.support.published import dns, records
from tests.support.settings import ADDRESS, DOMAIN

TO = "bob@example.com"
OFFER = "Spring sale: 50% off everything, this week only. Buy now and save!\n"
GREETING = "Grüße aus Köln – nur für kurze Zeit.\n"
PAGE = f"<html><head><style>p{{margin:0}}</style></head><body><p>{OFFER}</p><p>{GREETING}</p></body></html>"
BLOB = bytes(range(256)) * 40
QUERY_METHOD, QUERY_INFO, IN_FILE = 6, 7, 1  # opendkim's dkim.h


def plain(cte: str = "7bit", charset: str = "utf-8", text: str = OFFER) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message.set_content(text, charset=charset, cte=cte)
    return message


def page(cte: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message.set_content(PAGE, subtype="html", cte=cte)
    return message


def alternative() -> EmailMessage:
    message = plain("quoted-printable", "iso-8859-1", OFFER + "Grüße\n")
    message.add_alternative(PAGE, subtype="html", cte="base64")
    return message


def pictured() -> EmailMessage:
    message = alternative()
    message.get_payload()[1].add_related(BLOB, "image", "png", cid="<logo@sender.test>")
    return message


def attached() -> EmailMessage:
    message = pictured()
    message.add_attachment(BLOB, maintype="application", subtype="pdf", filename="prices.pdf")
    return message


STRUCTURES = {
    "plain": plain(),
    "plain-8bit": plain("8bit", text=OFFER + GREETING),
    "plain-latin1": plain("quoted-printable", "iso-8859-1", OFFER + "Grüße\n"),
    "plain-base64": plain("base64"),
    "html": page("quoted-printable"),
    "html-8bit": page("8bit"),
    "alternative": alternative(),
    "alternative-related": pictured(),
    "mixed": attached(),
}


def signatures(data: bytes) -> list[bytes]:
    head = data.partition(b"\r\n\r\n")[0] + b"\r\n"
    return re.findall(rb"(?im)^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", head)


def opendkim_verifies(data: bytes, file: bytes) -> bool:
    """Whether the library of opendkim-testmsg verifies it, with keys from a file, for which the tool has no option."""
    library = ctypes.CDLL("libopendkim.so.11")
    for name in ("dkim_init", "dkim_verify"):
        getattr(library, name).restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.dkim_init(None, None))
    method, path, status = ctypes.c_int(IN_FILE), ctypes.create_string_buffer(file, 1024), ctypes.c_int()
    library.dkim_options(handle, 1, QUERY_METHOD, ctypes.byref(method), ctypes.c_size_t(ctypes.sizeof(method)))
    library.dkim_options(handle, 1, QUERY_INFO, path, ctypes.c_size_t(1024))
    message = ctypes.c_void_p(library.dkim_verify(handle, b"test", None, ctypes.byref(status)))
    library.dkim_chunk(message, data, ctypes.c_size_t(len(data)))
    library.dkim_chunk(message, None, ctypes.c_size_t(0))
    said = library.dkim_eom(message, None)
    library.dkim_free(message)
    library.dkim_close(handle)
    return bool(said == 0)


def shown(data: bytes) -> dict[str, list[str]]:
    """The texts a reader may be shown, by type."""
    texts: dict[str, list[str]] = {}
    for part in message_from_bytes(data, policy=default).walk():
        if part.get_content_maintype() == "text" and not part.is_attachment():
            texts.setdefault(part.get_content_type(), []).append(part.get_content())
    return texts


@pytest.mark.parametrize("structure", STRUCTURES)
def test_P16_it_arrives_with_one_footer_in_each_text_and_both_signatures_good(
    make_inside, provider, tmp_path, structure
):
    inside = make_inside(providers=[provider.settings()])
    message = STRUCTURES[structure]
    for name in ("From", "To", "Subject", "Message-ID"):
        del message[name]
    message["From"], message["To"], message["Subject"] = ADDRESS, TO, "Sale: 50% off, buy now"
    message["Message-ID"] = f"<{structure}@{DOMAIN}>"
    assert inside.submit([TO], message.as_bytes()).code == 250
    data = provider.ledger.wait_for_taken(1)[0].data

    texts = shown(data)
    assert texts.keys() == shown(message.as_bytes()).keys()
    for kind, found in texts.items():
        links = re.findall(rf"{inside.http}/u/[\w.~-]+", found[0])
        assert (len(found), len(links), found[0].count("1 Main St, Springfield")) == (1, 1, 1), kind
        assert OFFER.strip() in found[0]
    blobs = [p.get_content() for p in message_from_bytes(data, policy=default).walk() if p.get_filename()]
    assert blobs == [BLOB] * (structure == "mixed")

    signers, signed = inside.app.signers.of(DOMAIN), signatures(data)
    assert sorted(re.search(rb"a=([\w-]+)", field)[1] for field in signed) == [b"ed25519-sha256", b"rsa-sha256"]
    verifier = dkim.DKIM(data)
    for index in range(2):
        assert verifier.verify(index, dnsfunc=dns(signers))
    if not missing(("opendkim",)):
        file = tmp_path / "keys"
        file.write_text("".join(f"{name} {record}\n" for name, record in records(signers).items()))
        other = next(field for field in signed if b"a=ed25519" in field)
        alone = data.replace(other, b"", 1)
        assert opendkim_verifies(alone, str(file).encode())
        assert not opendkim_verifies(alone.replace(b"50% off", b"51% off", 1), str(file).encode())


def test_of_two_recipients_each_gets_links_that_unsubscribe_nobody_else(make_inside, provider):
    inside = make_inside({"inbound": {"bounce_domain": "b.test"}}, providers=[provider.settings()])
    message = plain()
    message["From"], message["Subject"] = ADDRESS, "Sale: 50% off, buy now"
    assert inside.submit([TO, "eve@example.com"], message.as_bytes()).code == 250
    links, named = inside.app.links, set()
    for copy in provider.ledger.wait_for_taken(2):
        url, mailto = re.findall(r"<(?:mailto:)?([^>]+)>", copy.header("List-Unsubscribe"))
        ends = links.subscription(url)
        returned = read_address(links.tokens, parse_path(mailto), links.bounce_domain)
        named.add((copy.rcpt_to, (ends.address,), returned.payload[16:]))
    number = {recipient: n.to_bytes(2) for n, recipient in inside.rows("SELECT n, recipient FROM deliveries")}
    assert named == {((to,), (to,), number[to]) for to in (TO, "eve@example.com")}
