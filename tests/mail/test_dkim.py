"""DKIM signatures, verified by two programs that are not ours: fault cases M2 to M6."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.mail.canonical import RelaxedBodyHash, body_hash, relaxed_field
from relay.mail.dkim import HeaderToSign, Signer, SigningError, sign_with_all, signature_tags
from relay.mail.dkim_key import DkimKeyError, generate_ed25519, generate_rsa, load_key
from relay.mail.header import HeaderBlock
from tests.corpora import CORPORA, needs_corpora
from tests.support.published import dns

RSA = generate_rsa()
ED25519 = generate_ed25519()
SIGNERS = (Signer("example.com", "gp1", RSA), Signer("example.com", "gp1e", ED25519))
PUBLISHED = dns(SIGNERS)
HEAD = b"From: A <a@example.com>\r\nTo: b@example.org\r\nSubject: hi\r\nDate: Mon, 23 Nov 2026 22:00:00 +0000\r\n"


def signed(data: bytes, signers: tuple[Signer, ...] = SIGNERS) -> bytes:
    header = HeaderBlock.parse(data)
    fields = [(f.name, header.raw(f)) for f in header.fields]
    return sign_with_all(signers, HeaderToSign.select(fields), body_hash([data[header.end :]])) + data


def verifies(message: bytes) -> list[bool]:
    count = len(re.findall(rb"(?m)^DKIM-Signature:", message.partition(b"\r\n\r\n")[0]))
    return [dkim.DKIM(message).verify(idx=i, dnsfunc=PUBLISHED) for i in range(min(count, 2))]


def holds(message: bytes) -> bool:
    try:
        return all(verifies(message))
    except dkim.DKIMException:
        return False


BODIES = [
    b"",
    b"\r\n",
    b"\r\n\r\n\r\n",
    b" \r\n\t\r\n",
    b"plain\r\n",
    b"two  blanks \tand tabs\t\r\n",
    b" leading\r\n",
    b"trailing   \r\n\r\n\r\n",
    b"blank lines\r\n\r\n\r\ninside\r\n",
    b"lone\r\n.\r\n..\r\ndots\r\n",
    b"x" * 3000 + b"\r\n",
    bytes(range(128, 256)) + b"\r\n",
    b"\xc2\xa0 no-break \x0b vertical \x0c form\r\n",
    b"a \r\n \r\n\t \r\nb\r\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_M5_both_signatures_verify_over_difficult_bodies(body: bytes) -> None:
    assert verifies(signed(HEAD + b"\r\n" + body)) == [True, True]


LINES = st.lists(
    st.one_of(
        st.text(alphabet=" \tab.=-é", max_size=12).map(str.encode),
        st.binary(max_size=12).map(lambda b: b.translate(None, b"\r\n\0")),
    ),
    max_size=8,
)
VALUES = st.lists(st.text(alphabet=" \tab:;é", max_size=10), min_size=1, max_size=3).map(
    lambda lines: "\r\n\t".join(["x" + line for line in lines]).encode()
)
EXTRA = st.lists(
    st.tuples(st.sampled_from([b"Subject", b"CC", b"x-note", b"Reply-To", b"List-Id", b"Feedback-ID"]), VALUES),
    max_size=5,
)


@settings(max_examples=400, deadline=None)
@given(EXTRA, LINES)
def test_M5_every_signature_verifies_whatever_the_message(extra: list[tuple[bytes, bytes]], lines: list[bytes]) -> None:
    head = b"From: a@example.com\r\n" + b"".join(name + b":" + value + b"\r\n" for name, value in extra)
    message = signed(head + b"\r\n" + b"".join(line + b"\r\n" for line in lines), SIGNERS[1:])
    assert dkim.DKIM(message).verify(dnsfunc=PUBLISHED)


@needs_corpora
def test_M5_every_signature_verifies_over_the_corpora() -> None:
    seen = 0
    for path in sorted((CORPORA / "mime").rglob("*")):
        if not path.is_file() or path.suffix == ".json" or path.stat().st_size > 300_000:
            continue
        raw = re.sub(rb"\r*\n|\r", b"\r\n", path.read_bytes())
        header = HeaderBlock.parse(raw)
        if header.faults or len(header.all(b"from")) != 1 or not raw.endswith(b"\r\n"):
            continue
        seen += 1
        assert dkim.DKIM(signed(raw, SIGNERS[1:])).verify(dnsfunc=PUBLISHED), path
    assert seen > 100


# What readers show or act on; RFC 8058 §4 demands it of the last two.
PROTECTED = (
    b"from to cc subject date reply-to sender message-id in-reply-to references mime-version content-type "
    b"content-transfer-encoding list-id list-unsubscribe list-unsubscribe-post"
)


@pytest.mark.parametrize("name", PROTECTED.split())
def test_M2_a_field_added_by_a_third_party_breaks_the_signatures(name: bytes) -> None:
    message = signed(HEAD + b"\r\nbody\r\n")
    assert holds(message)
    added = name.title() + b": evil@example.net\r\n"
    top, _, rest = message.partition(b"From: ")
    assert not holds(top + added + b"From: " + rest)
    assert not holds(message.replace(b"\r\n\r\nbody", b"\r\n" + added + b"\r\nbody"))


def test_a_field_that_others_may_add_is_signed_where_it_stands() -> None:
    names = b"list-help list-post list-subscribe list-owner list-archive auto-submitted feedback-id".split()
    message = signed(HEAD + b"".join(name + b": <%s>\r\n" % name for name in names) + b"\r\nbody\r\n")
    assert holds(message)
    assert not any(holds(message.replace(b"<%s>" % name, b"<theirs>")) for name in names)


def test_a_changed_body_or_field_breaks_the_signatures() -> None:
    message = signed(HEAD + b"\r\nbody\r\n")
    assert not holds(message.replace(b"body", b"b0dy"))
    assert not holds(message.replace(b"Subject: hi", b"Subject: ho"))
    assert not holds(message + b"appended\r\n")


def test_blanks_and_folding_on_the_way_do_not_break_the_signatures() -> None:
    message = signed(HEAD + b"\r\nbody\r\n")
    assert holds(message.replace(b"Subject: hi", b"SUBJECT:\r\n  hi ").replace(b"body\r\n", b"body  \r\n\r\n"))


def test_M3_M4_no_length_no_expiry_and_rsa_stands_first() -> None:
    block = signed(HEAD + b"\r\nbody\r\n").partition(b"From:")[0]
    fields = [block[f.start : f.end] for f in HeaderBlock.parse(block + b"\r\n").fields]
    tags = [signature_tags(field) for field in fields]
    assert [t[b"a"] for t in tags] == [b"rsa-sha256", b"ed25519-sha256"]
    for tag in tags:
        assert set(tag) == {b"v", b"a", b"c", b"d", b"s", b"h", b"bh", b"b"}
        assert tag[b"c"] == b"relaxed/relaxed"
    assert max(map(len, block.split(b"\r\n"))) <= 78


def test_M9_what_a_provider_replaces_is_not_signed() -> None:
    fields = [(b"from", b"From: a@b.c\r\n"), (b"message-id", b"Message-ID: <x@y>\r\n")]
    chosen = HeaderToSign.select(fields, without={b"message-id", b"date"})
    assert b"message-id" not in chosen.names
    assert b"date" not in chosen.names.replace(b"update", b"")
    assert b"<x@y>" not in chosen.canonical


def test_M7_what_cannot_be_signed_raises() -> None:
    one = (b"from", b"From: a@b.c\r\n")
    for fields, without in (([], ()), ([one, one], ()), ([one], {b"from"})):
        with pytest.raises(SigningError):
            HeaderToSign.select(fields, without)


@pytest.mark.parametrize(
    "body",
    [
        b" " * 400_000 + b"x\r\n",
        b"x" + b" \t" * 200_000 + b"\r\n",
        b"\r\n" * 200_000 + b"x\r\n",
        b" \r\n" * 150_000 + b"x\r\n",
        b"a  " * 150_000 + b"\r\n",
        b"\r" * 400_000,
        b"\n\r" * 200_000,
    ],
)
def test_M6_blanks_without_end_cost_no_more_than_their_length(body: bytes) -> None:
    plain = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n")
    while plain.endswith(b"\r\n"):
        plain = plain[:-2]
    assert body_hash([body]) == hashlib.sha256(plain + b"\r\n").digest()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(b" ,\t,\r\n,\r,\n,a,bc, \r\n,  ".split(b",")), max_size=30), st.data())
def test_a_body_cut_anywhere_has_the_hash_of_the_whole(pieces: list[bytes], data: st.DataObject) -> None:
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert body_hash(map(memoryview, chunks)) == body_hash([body])


def test_a_large_body_is_hashed_in_pieces_like_a_small_one() -> None:
    body = (b"a  b\t \r\n" * 40_000) + b"\r\n" * 7
    one_by_one = RelaxedBodyHash()
    for line in body.splitlines(keepends=True):
        one_by_one.update(line)
    assert one_by_one.digest() == body_hash([memoryview(body)])


def test_a_field_is_relaxed_as_the_standard_says() -> None:
    assert relaxed_field(b"SubJect  :  A\r\n\t  B \t C  \r\n") == b"subject:A B C\r\n"
    assert relaxed_field(b"X:\r\n") == b"x:\r\n"


def test_keys_survive_their_file_and_show_in_no_repr() -> None:
    for key in (RSA, ED25519):
        assert load_key(key.private_pem) == key
        assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    ("domain", "selector"), [("exämple.com", "gp1"), ("a.com", "x; l=0"), ("", "x"), ("a..b", "x")]
)
def test_a_name_that_could_bend_the_signature_is_refused(domain: str, selector: str) -> None:
    with pytest.raises(ValueError, match="not a domain and a selector"):
        Signer(domain, selector, RSA)


def test_M4_a_weak_or_foreign_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    foreign = ec.generate_private_key(ec.SECP256R1())
    for private in (weak, foreign):
        with pytest.raises(DkimKeyError):
            load_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for junk in (b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", RSA.public.encode()):
        with pytest.raises(DkimKeyError):
            load_key(junk)


TESTMSG = shutil.which("opendkim-testmsg") or shutil.which("opendkim-testmsg", path="/usr/sbin:/usr/local/sbin")


@pytest.mark.skipif(TESTMSG is None, reason="opendkim-testmsg is not installed")
@pytest.mark.parametrize(
    "extra",
    [
        b"",
        b"X-Fold:  a\r\n\t b  \r\n",
        b"X-Empty:\r\n",
        b"X-Tabs:\ta\t\tb\t\r\nX-Twice: 1\r\nX-Twice: 2\r\nX-Empty:\r\n",
        "X-Letters: grüße  und \tmehr\r\n".encode(),
    ],
)
def test_M5_opendkim_makes_the_same_header_canonical(extra: bytes, tmp_path: Path) -> None:
    """It takes keys for verifying from DNS only, so it signs here, and its signature verifies over our canonical form.

    Its tool signs with relaxed/simple and SHA-1 whatever one asks for; the header part of that is what is compared.
    """
    message = HEAD + extra + b"\r\nbody\r\n"
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(RSA.private_pem)
    command = [str(TESTMSG), "-C", "-d", "example.com", "-s", "gp1", "-k", str(key_file)]
    whole = subprocess.run(command, input=message, capture_output=True, check=True).stdout
    theirs = whole[: whole.index(b"\r\nFrom:") + 2]
    tags = signature_tags(theirs)
    assert tags[b"c"].startswith(b"relaxed/")
    header = HeaderBlock.parse(message)
    stack = [(f.name, header.raw(f)) for f in header.fields]
    canonical = b""
    for name in tags[b"h"].lower().split(b":"):
        at = max(i for i, (n, _) in enumerate(stack) if n == name)
        canonical += relaxed_field(stack.pop(at)[1])
    own = relaxed_field(re.sub(rb"(\bb=)[^;]*$", rb"\1", theirs.replace(b"\r\n", b""))).removesuffix(b"\r\n")
    public = load_der_public_key(base64.b64decode(RSA.public))
    assert isinstance(public, rsa.RSAPublicKey)
    digest = hashes.SHA1() if tags[b"a"] == b"rsa-sha1" else hashes.SHA256()
    public.verify(base64.b64decode(tags[b"b"]), canonical + own, padding.PKCS1v15(), digest)
