"""The message as it leaves for one recipient by one provider: a function of the original, the stored plan,
the recipient and the provider, rebuilt and signed anew on failover.

Recipients share their bytes, and so their SMTP transaction, unless something in them is
their own: the unsubscribe link of a commercial message, or a return path that names them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.presets import Headers
from config.providers import ProviderSettings
from relay.mail import footer, longline
from relay.mail.address import parse_path
from relay.mail.departure import STRIPPED, Departure, Dress, Strip, depart
from relay.mail.dkim import Signer
from relay.mail.edit import Edit
from relay.mail.header import HeaderBlock
from relay.mail.list_header import list_unsubscribe
from relay.mail.mime import view
from relay.mail.received import Reception, mail_date, protocol, received_field
from relay.mail.sender import Sender
from relay.mail.unsubscribe import Links, Subscription
from relay.mail.verp import make_address
from relay.store.parcel import Due, Parcel


class Unsignable(Exception):
    """The domain must be signed for and has no key: nothing is sent, and somebody is told."""


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """What dressing needs from the installation."""

    hostname: str
    links: Links
    signers: Callable[[str], tuple[Signer, ...]]  # of a From domain; empty where it has no keys
    trace_peer: bool = False  # whether Received tells the client's address


def groups(parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe) -> list[tuple[Due, ...]]:
    """The recipients that may share one transaction by this provider."""
    most = provider.limits.recipients_per_message or len(due)
    if is_personal(parcel) or has_own_return_path(parcel, provider, wardrobe):
        most = 1
    return [tuple(due[i : i + most]) for i in range(0, len(due), most)]


def is_personal(parcel: Parcel) -> bool:
    """Whether each recipient gets bytes of its own."""
    return "footer" in parcel.plan


def has_own_return_path(parcel: Parcel, provider: ProviderSettings, wardrobe: Wardrobe) -> bool:
    """Whether bounces are to come back to an address that names the delivery (VERP)."""
    return bool(provider.own_return_path and wardrobe.links.bounce_domain and parcel.mail_from)


def return_path(parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe) -> str:
    """The envelope sender for these recipients."""
    if not has_own_return_path(parcel, provider, wardrobe):
        return parcel.mail_from
    links = wardrobe.links
    return make_address(links.tokens, "bounce", delivery_name(parcel.send_id, due[0].n), links.bounce_domain)


def delivery_name(send_id: str, n: int) -> bytes:
    """A delivery in 18 octets, for tokens in addresses."""
    return _ulid(send_id) + n.to_bytes(2, "big")


def dressed(
    data: bytes, parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe
) -> Departure:
    """The message that leaves; raises Unsignable, or WireError for what must not go on the wire."""
    header = HeaderBlock.parse(data)
    at = datetime.fromtimestamp(parcel.received_at / 1000, UTC)
    dress = Dress(
        received=_received(parcel, due, at, wardrobe),
        add=_added(parcel, due, provider, wardrobe),
        date=f"Date: {mail_date(at)}\r\n".encode(),
        message_id=f"Message-ID: <{parcel.send_id.lower()}@{wardrobe.hostname}>\r\n".encode(),
        signers=_signers(parcel, wardrobe),
        unsigned=frozenset(name.lower().encode() for name in provider.headers.rewritten),
    )
    return depart(
        data, header, dress, strip=_strip(provider.headers), edits=_edits(data, header, parcel, due, wardrobe)
    )


def _edits(data: bytes, header: HeaderBlock, parcel: Parcel, due: Sequence[Due], wardrobe: Wardrobe) -> Sequence[Edit]:
    """The planned edits of the body; the footer carries the link of the one recipient."""
    if not parcel.plan:
        return ()
    seen = view(data, header)
    footed: set[int] = set()
    edits: list[Edit] = []
    if is_personal(parcel):
        shown = Sender.from_json(parcel.plan["sender"]).footer(wardrobe.links.url(_subscription(parcel, due[0])))
        planned = footer.Plan.from_json(parcel.plan["footer"])
        footed = {part.body for part in planned.parts}
        edits += footer.edits(seen, planned, shown)
    if recoded := [body for body in parcel.plan.get("recoded", ()) if body not in footed]:
        edits += longline.recode_edits(seen, recoded, footer.line_end(data))
    return edits


def _subscription(parcel: Parcel, due: Due) -> Subscription:
    return Subscription(parcel.tenant_id, parcel.mailbox_id, due.recipient, parcel.send_id)


def _added(parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe) -> tuple[bytes, ...]:
    fields: list[bytes] = []
    if is_personal(parcel):
        links = wardrobe.links
        url = links.url(_subscription(parcel, due[0]))
        both = list_unsubscribe(url, links.mailto(delivery_name(parcel.send_id, due[0].n)))
        cut = both.index(b"List-Unsubscribe-Post:")
        fields += [both[:cut], both[cut:]]
    fields += [_field(name, value) for name, value in _provider_headers(parcel, due, provider.headers).items()]
    return tuple(fields)


def _provider_headers(parcel: Parcel, due: Sequence[Due], headers: Headers) -> dict[str, str]:
    """What the provider is told of our ids, tags and metadata."""
    told = dict(headers.add)
    if headers.idempotency:
        told[headers.idempotency] = f"{parcel.send_id}-{'-'.join(str(d.n) for d in due)}"[:256]
    if headers.send_id:
        told[headers.send_id] = parcel.send_id
    if headers.tag and parcel.campaign:
        told[headers.tag] = f"campaign={parcel.campaign}" if headers.tag == "X-SES-MESSAGE-TAGS" else parcel.campaign
    if headers.metadata and not headers.metadata.endswith("-"):
        told[headers.metadata] = json.dumps(_as_metadata(headers.metadata, parcel))
    return {name: value for name, value in told.items() if value}


def _as_metadata(name: str, parcel: Parcel) -> Mapping[str, Any]:
    if name == "X-SMTPAPI":
        return {"unique_args": {"gatepost_send": parcel.send_id}}
    if name == "X-MSYS-API":
        return {"metadata": {"gatepost_send": parcel.send_id}}
    return {"gatepost_send": parcel.send_id}


def _field(name: str, value: str) -> bytes:
    safe = "".join(c for c in value if c.isprintable())
    return f"{name}: {safe}\r\n".encode()


def _received(parcel: Parcel, due: Sequence[Due], at: datetime, wardrobe: Wardrobe) -> bytes:
    envelope = parcel.envelope
    word = protocol(tls=bool(envelope.get("tls")), utf8=bool(envelope.get("smtputf8")))
    return received_field(
        Reception(
            by=wardrobe.hostname,
            protocol=word if envelope.get("source") == "smtp" else "HTTP",
            id=parcel.send_id,
            at=at,
            helo=envelope.get("helo", "") if wardrobe.trace_peer else "",
            peer=envelope.get("peer", "") if wardrobe.trace_peer else "",
            rcpt_to=parse_path(due[0].recipient) if len(due) == 1 else None,
        )
    )


def _signers(parcel: Parcel, wardrobe: Wardrobe) -> tuple[Signer, ...]:
    domain = parcel.from_address.rpartition("@")[2]
    signers = wardrobe.signers(domain) if domain else ()
    if domain and not signers:
        raise Unsignable(f"{domain} has no DKIM key")
    return signers


def _strip(headers: Headers) -> Strip:
    if not headers.strip:
        return STRIPPED
    return STRIPPED | Strip(frozenset(name.lower().encode() for name in headers.strip))


_CROCKFORD = {letter: value for value, letter in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def _ulid(identifier: str) -> bytes:
    number = 0
    for letter in identifier.rpartition("_")[2]:
        number = number * 32 + _CROCKFORD[letter]
    return number.to_bytes(16, "big")
