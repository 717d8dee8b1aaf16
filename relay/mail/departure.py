"""The last changes to every message before it leaves, made on its bytes.

Fields that must not leave are dropped, missing ones are added, our own fields go on top, and DKIM signs last. A
large body is not copied: the departing message consists of a few pieces, and all but the first are views of the
stored message or insertions of the plan. The result depends only on the arguments, so a failover builds the same
message again. Nothing in it depends on the recipient unless the caller says so, so one departure serves all
recipients of a message without individual edits.

A bare CR or LF at this stage is a bug, and the message does not leave (WireError): the next hop might take it for
the end of the message (SMTP smuggling).
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

from relay.mail.canonical import body_hash
from relay.mail.dkim import HeaderToSign, Signer, sign_with_all, signature_tags
from relay.mail.edit import Edit, apply_edits, edited
from relay.mail.header import HeaderBlock
from relay.mail.newline import PIECE, Buffer, alone


class WireError(RuntimeError):
    """The message is not fit for the wire; this is a bug of ours, and nothing is sent."""


class Strip(Struct, frozen=True):
    """Names, and beginnings of names, of fields that do not leave; in lower case."""

    names: frozenset[bytes]
    prefixes: tuple[bytes, ...] = ()

    def __or__(self, other: "Strip") -> "Strip":
        return Strip(self.names | other.names, self.prefixes + other.prefixes)

    def covers(self, name: bytes) -> bool:
        """Whether a field of this name is dropped."""
        return name in self.names or (name[:2] == b"x-" and name.startswith(self.prefixes))


# What no client may send on: recipients that others must not see, trace fields of a delivery that has not happened,
# our own control fields, a receiver's verdicts, fields in which forwarders name the author, and the name under which
# Gmail reports complaints to the operator.
STRIPPED = Strip(
    frozenset(
        b"bcc resent-bcc return-path authentication-results x-authentication-results received-spf delivered-to "
        b"bimi-location bimi-indicator x-forefront-antispam-report x-microsoft-antispam "
        b"on-behalf-of original-from x-original-from x-google-original-from feedback-id "
        # Control fields of provider accounts (P6): they could add recipients, change the sub-account, turn tests on.
        b"x-smtpapi x-msys-api resend-idempotency-key idempotency-key idempotencykey x-entity-ref-id sender.ip".split()
    ),
    (
        b"x-gatepost-",
        b"x-spam-",
        b"x-ses-",
        b"x-pm-",
        b"x-mailgun-",
        b"x-mailin-",
        b"x-mailersend-",
        b"x-sib-",
        b"x-sg-",
        b"x-mc-",
        b"x-mj-",
        b"x-mailjet-",
        b"x-elasticemail-",
        b"x-smtp2go-",
        b"x-mt-",
        b"x-ms-exchange-organization-",
    ),
)

_SIGNATURES = frozenset(
    (b"dkim-signature", b"domainkey-signature", b"arc-seal", b"arc-message-signature", b"arc-authentication-results")
)


class Departure(Struct, frozen=True):
    """A message ready for the wire: its pieces in order, and what it requires of the next hop."""

    chunks: tuple[Buffer, ...]
    needs_8bitmime: bool = False  # the next hop must offer 8BITMIME (RFC 6152)
    needs_smtputf8: bool = False  # the header is not ASCII (RFC 6531 §3.4); the envelope may need it as well

    @property
    def size(self) -> int:
        """Octets, before dot-stuffing."""
        return sum(map(len, self.chunks))

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks)


class Dress(Struct, frozen=True):
    """What is added to a message: complete fields with their CRLF, and the signers."""

    received: bytes = b""
    add: tuple[bytes, ...] = ()  # each replaces existing fields of its name
    date: bytes = b""  # the complete field, added if the message has none or an empty one
    message_id: bytes = b""  # likewise
    signers: tuple[Signer, ...] = ()
    unsigned: frozenset[bytes] = frozenset()  # what the next provider replaces, so it must not be signed (M9)


def depart(
    data: bytes,
    header: HeaderBlock,
    dress: Dress,
    *,
    strip: Strip = STRIPPED,
    edits: Sequence[Edit] = (),
) -> Departure:
    """The message as it leaves, after the planned edits (offsets in `data`)."""
    header, pieces = _edited(data, header, edits)
    added = _added(header, dress)
    kept, removed = _kept(header, strip, {name for name, _ in added})
    if not _SIGNATURES.isdisjoint(name for name, _ in kept):
        touched = None if edits else {*removed, *(name for name, _ in added)}
        kept = _without_broken(kept, touched, {signer.domain for signer in dress.signers})
    signatures = b""
    if dress.signers:
        signed = HeaderToSign.select([*added, *kept], dress.unsigned)
        signatures = sign_with_all(dress.signers, signed, body_hash(pieces))
    head = b"".join([signatures, dress.received, *[raw for _, raw in added], *[raw for _, raw in kept], b"\r\n"])
    is_7bit = check_wire_form((head, *pieces))
    return Departure((head, *pieces), needs_8bitmime=not is_7bit, needs_smtputf8=not head.isascii())


def check_wire_form(chunks: Sequence[Buffer]) -> bool:
    """Whether the message is 7-bit. Raises WireError unless every CR and LF is half of a CRLF and the message ends
    with one.
    """
    if any(alone(chunks)):
        raise WireError("a message about to leave has a bare CR or LF")
    if not chunks or bytes(chunks[-1][-1:]) != b"\n":
        raise WireError("a message about to leave does not end with CRLF")
    return all(map(_is_ascii, chunks))


def _is_ascii(chunk: Buffer) -> bool:
    if isinstance(chunk, bytes):
        return chunk.isascii()
    return all(bytes(chunk[start : start + PIECE]).isascii() for start in range(0, len(chunk), PIECE))


def _edited(data: bytes, header: HeaderBlock, edits: Sequence[Edit]) -> tuple[HeaderBlock, tuple[Buffer, ...]]:
    """The header and the pieces of the body after the edits; no piece is empty, and the last one ends in CRLF."""
    pieces: list[Buffer] = [memoryview(data)[header.end :]] if len(data) > header.end else []
    if edits:
        end = header.end
        above = [edit for edit in edits if edit.start < end]
        if any(edit.end > end for edit in above):
            raise ValueError("an edit reaches from the header into the body")
        # The header and the body are cut out separately; each is then edited by itself.
        pieces = apply_edits(data, [Edit(0, end, b""), *(edit for edit in edits if edit.start >= end)])
        if above:
            header = HeaderBlock.parse(edited(data[:end], above))
    last = b"".join(bytes(piece[-2:]) for piece in pieces[-2:])[-2:]
    if pieces and last != b"\r\n":
        pieces.append(b"\r\n")
    if len(pieces) > 1 and sum(map(len, pieces)) <= PIECE:
        pieces = [b"".join(pieces)]  # a small body is copied faster than it is checked piece by piece
    return header, tuple(pieces)


def _added(header: HeaderBlock, dress: Dress) -> list[tuple[bytes, bytes]]:
    """Our own fields that go on top, with their names."""
    added = [*dress.add]
    # RFC 6409 §8.2 and §8.3: a submission server adds what is missing or empty.
    if dress.date and not header.get(b"date"):
        added.append(dress.date)
    if dress.message_id and not header.get(b"message-id"):
        added.append(dress.message_id)
    return [(raw.partition(b":")[0].lower(), raw) for raw in added]


def _kept(
    header: HeaderBlock, strip: Strip, replaced: Collection[bytes]
) -> tuple[list[tuple[bytes, bytes]], set[bytes]]:
    """The message's own fields that stay, and the names of those that are dropped."""
    data = header.data
    kept: list[tuple[bytes, bytes]] = []
    removed: set[bytes] = set()
    for name, start, end, _ in header.fields:
        if name in replaced or strip.covers(name):
            removed.add(name)
        else:
            kept.append((name, bytes(data[start:end])))
    if kept and kept[-1][1][-2:] != b"\r\n":  # a header without a body may end in the middle of a line
        kept[-1] = (kept[-1][0], kept[-1][1] + b"\r\n")
    return kept, removed


def _without_broken(
    fields: list[tuple[bytes, bytes]], touched: Collection[bytes] | None, own: Collection[str]
) -> list[tuple[bytes, bytes]]:
    """Drop the client's signatures that would no longer verify (M12), and any of our own domains, which ours replace.

    `touched` are the names of the changed fields; None means that the body, or more, changed. ARC is a chain (RFC
    8617 §4): it is kept or dropped as a whole.
    """
    broken = {raw for name, raw in fields if name in _SIGNATURES and _is_broken(raw, touched, own)}
    if any(raw[:4].lower() == b"arc-" for raw in broken):
        broken |= {raw for name, raw in fields if name[:4] == b"arc-"}
    return [pair for pair in fields if pair[1] not in broken]


def _is_broken(signature: bytes, touched: Collection[bytes] | None, own: Collection[str]) -> bool:
    tags = signature_tags(signature)
    if touched is None or tags.get(b"d", b"").decode("ascii", "replace").lower() in own:
        return True
    signed = tags.get(b"h", b"").lower().split(b":")
    return any(name in signed for name in touched)
