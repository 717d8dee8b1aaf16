"""The message as it leaves for one recipient by one provider: a function of the original, the stored plan,
the recipient and the provider, rebuilt and signed anew on failover.

Recipients share the bytes, and so one SMTP transaction, unless something differs for each: the
unsubscribe link of a commercial message, a return path that names the recipient, or a key by
which the provider recognises a repeat.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from config.presets import Headers
from config.providers import ProviderSettings
from relay.mail import footer, longline
from relay.mail.address import domain_of, parse_path
from relay.mail.departure import STRIPPED, Departure, Dress, Strip, depart
from relay.mail.dkim import Signer
from relay.mail.edit import Edit, edited
from relay.mail.encoded_words import in_ascii
from relay.mail.header import HeaderBlock
from relay.mail.ids import id_octets, message_id_of
from relay.mail.mime import View, view
from relay.mail.received import Reception, mail_date, protocol, received_field
from relay.mail.reply import printable
from relay.mail.sender import Sender
from relay.mail.unsubscribe import Links, Subscription, list_unsubscribe
from relay.mail.verp import make_address
from relay.store.parcel import Due, Parcel


class Unsignable(Exception):
    """Mail of the domain must be signed and there is no key: nothing is sent, and an alert is raised."""


class Unconvertible(Exception):
    """The provider accepts only seven bits, and the message has 8-bit octets in a part that must not be edited."""


class Wardrobe(Struct, frozen=True):
    """What is needed from the installation to dress messages."""

    hostname: str
    links: Links
    signers: Callable[[str], tuple[Signer, ...]]  # by From domain; empty if it has no keys


def groups(parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe) -> list[tuple[Due, ...]]:
    """The recipients in groups that may share one transaction at this provider."""
    most = min(provider.limits.recipients_per_message or len(due), most_at_once(provider) or len(due))
    if provider.is_idempotent or is_personal(parcel) or has_own_return_path(parcel, provider, wardrobe):
        most = 1
    return [tuple(due[i : i + most]) for i in range(0, len(due), most)]


def most_at_once(provider: ProviderSettings) -> int:
    """How many recipients the provider's rate permits at once; 0 for any number."""
    limits = provider.limits
    return (limits.burst or max(1, int(limits.rate))) if limits.rate else 0


def is_personal(parcel: Parcel) -> bool:
    """Whether each recipient gets different bytes."""
    return "footer" in parcel.plan


def has_own_return_path(parcel: Parcel, provider: ProviderSettings, wardrobe: Wardrobe) -> bool:
    """Whether bounces come back to an address that names the delivery (VERP)."""
    return bool(provider.own_return_path and wardrobe.links.bounce_domain and parcel.mail_from)


def return_path(parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe) -> str:
    """The envelope sender for these recipients."""
    if not has_own_return_path(parcel, provider, wardrobe):
        return parcel.mail_from
    links = wardrobe.links
    return make_address(links.tokens, "bounce", delivery_name(parcel.send_id, due[0].n), links.bounce_domain)


def delivery_name(send_id: str, n: int) -> bytes:
    """The name of a delivery in 18 octets, for tokens in addresses."""
    return id_octets(send_id) + n.to_bytes(2, "big")


def dressed(
    data: bytes,
    parcel: Parcel,
    due: Sequence[Due],
    provider: ProviderSettings,
    wardrobe: Wardrobe,
    *,
    seven_bit: bool = False,
    ascii_header: bool = False,
) -> Departure:
    """The message as it leaves; raises Unsignable, Unconvertible, or WireError for what must not go on the wire.

    `seven_bit` and `ascii_header` say that the provider accepts no more than that: 8-bit parts, or header text, are
    then re-encoded before signing where possible.
    """
    header = parcel.seen.header if parcel.seen is not None else HeaderBlock.parse(data)
    link = wardrobe.links.url(_subscription(parcel, due[0])) if is_personal(parcel) else ""
    at = datetime.fromtimestamp(parcel.received_at / 1000, UTC)
    dress = Dress(
        received=_received(parcel, due, at, wardrobe),
        add=_added(parcel, due, provider, wardrobe, link),
        date=f"Date: {mail_date(at)}\r\n".encode(),
        message_id=f"Message-ID: {message_id_of(parcel.send_id, wardrobe.hostname)}\r\n".encode(),
        signers=_signers(parcel, wardrobe),
        unsigned=_names(provider.headers.rewritten),
    )
    edits = _edits(parcel.seen or view(data, header), parcel, link) if parcel.plan else ()
    if ascii_header:
        data, header = _edited(data, edits)
        edits = in_ascii(header)
    if seven_bit:
        data, header = _edited(data, edits)
        edits = _seven_bit(data, header)
    return depart(data, header, dress, strip=_strip(provider.headers.strip), edits=edits)


def _edited(data: bytes, edits: Sequence[Edit]) -> tuple[bytes, HeaderBlock]:
    data = edited(data, edits)
    return data, HeaderBlock.parse(data)


def _seven_bit(data: bytes, header: HeaderBlock) -> Sequence[Edit]:
    seen = view(data, header)
    recoding = longline.eight_bit(seen)
    if recoding.impossible:
        raise Unconvertible(recoding.impossible)
    return list(longline.recode_edits(seen, recoding.bodies, footer.line_end(data)))


def _edits(seen: View, parcel: Parcel, link: str) -> Sequence[Edit]:
    """The planned edits of the body; the footer contains the recipient's own link."""
    recoded = parcel.plan.get("recoded", ())
    if is_personal(parcel):
        shown = Sender.from_json(parcel.plan["sender"]).footer(link)
        return footer.edits(seen, footer.Plan.from_json(parcel.plan["footer"]), shown, recoded)
    return list(longline.recode_edits(seen, recoded, footer.line_end(seen.data)))


def _subscription(parcel: Parcel, due: Due) -> Subscription:
    return Subscription(parcel.tenant_id, parcel.mailbox_id, due.recipient, parcel.send_id)


def _added(
    parcel: Parcel, due: Sequence[Due], provider: ProviderSettings, wardrobe: Wardrobe, link: str
) -> tuple[bytes, ...]:
    fields: list[bytes] = []
    if link:
        both = list_unsubscribe(link, wardrobe.links.mailto(delivery_name(parcel.send_id, due[0].n)))
        cut = both.index(b"List-Unsubscribe-Post:")
        fields += [both[:cut], both[cut:]]
    fields += [_field(name, value) for name, value in _provider_headers(parcel, due, provider.headers).items()]
    return tuple(fields)


def _provider_headers(parcel: Parcel, due: Sequence[Due], headers: Headers) -> dict[str, str]:
    """The header fields that give the provider our ids, tags and metadata."""
    told = dict(headers.add)
    if headers.idempotency:
        told[headers.idempotency] = f"{parcel.send_id}-{'-'.join(str(d.n) for d in due)}"[:256]
    if headers.send_id:
        told[headers.send_id] = parcel.send_id
    if headers.tag and parcel.campaign:
        told[headers.tag] = _tag(headers.tag, parcel.campaign)
    if headers.metadata and not headers.metadata.endswith("-"):
        told[headers.metadata] = json.dumps(_as_metadata(headers.metadata, parcel))
    return {name: value for name, value in told.items() if value}


def _tag(name: str, campaign: str) -> str:
    if name == "X-SES-MESSAGE-TAGS":  # SES accepts only name=value pairs of these characters
        return f"campaign={_NOT_SES.sub('_', campaign)[:200]}"
    return campaign.replace(",", " ")  # a comma would split it into two tags


_NOT_SES = re.compile(r"[^A-Za-z0-9_-]")


def _as_metadata(name: str, parcel: Parcel) -> Mapping[str, Any]:
    if name == "X-SMTPAPI":
        return {"unique_args": {"gatepost_send": parcel.send_id}}
    if name == "X-MSYS-API":
        return {"metadata": {"gatepost_send": parcel.send_id}}
    return {"gatepost_send": parcel.send_id}


def _field(name: str, value: str) -> bytes:
    return f"{name}: {printable(value)[:900]}\r\n".encode()  # RFC 5322 §2.1.1: under 998 octets


def _received(parcel: Parcel, due: Sequence[Due], at: datetime, wardrobe: Wardrobe) -> bytes:
    envelope = parcel.envelope
    word = protocol(tls=bool(envelope.get("tls")), utf8=bool(envelope.get("smtputf8")))
    return received_field(
        Reception(
            by=wardrobe.hostname,
            protocol=word if envelope.get("source") == "smtp" else "HTTP",
            id=parcel.send_id,
            at=at,
            rcpt_to=parse_path(due[0].recipient) if len(due) == 1 else None,
        )
    )


def _signers(parcel: Parcel, wardrobe: Wardrobe) -> tuple[Signer, ...]:
    domain = domain_of(parcel.from_address)
    signers = wardrobe.signers(domain) if domain else ()
    if domain and not signers:
        raise Unsignable(f"{domain} has no DKIM key")
    return signers


@lru_cache(maxsize=64)
def _strip(names: tuple[str, ...]) -> Strip:
    return STRIPPED | Strip(_names(names)) if names else STRIPPED


@lru_cache(maxsize=64)
def _names(names: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(name.lower().encode() for name in names)
