"""What is known of one submission before any state is looked at.

Facts are recorded with the decision, so that a changed policy can be tried on past
traffic without guessing: everything here converts to JSON and back without loss.
Times are milliseconds since the epoch, UTC.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from policy.decision import EMPTY


def exact(address: str) -> str:
    """The form in which addresses are compared where a match grants something.

    Only ASCII addresses are folded: the Kelvin sign would become a `k` and match somebody else's address.
    """
    return address.lower() if address.isascii() else address


def alias_of(key: str) -> str:
    """One key for all aliases of a person, computed from the folded key of any of them.

    The tag after a plus is dropped everywhere; Gmail also ignores dots and has two domain names. Use this only to
    refuse: whatever grants something or counts recipients compares the address itself.
    """
    local, _, domain = key.rpartition("@")
    bare = local.split("+", 1)[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{bare.replace('.', '') or bare}@gmail.com"
    return f"{bare}@{domain}"


class Defect(Struct, frozen=True):
    """Something wrong with a message: a stable code, a clause for people, and the line number where there is one."""

    code: str
    detail: str
    line: int = 0


class RecipientFacts(Struct, frozen=True):
    """One recipient, as named in the envelope.

    address   exactly what goes on the wire
    key       folded, for deny lists and to tell recipients apart
    alias     folded further (`alias_of`), used only where `fold_aliases` is on
    domain    A-label, lower case
    internal  whether the domain is one of the installation's `internal_domains`
    mail_host "unasked", "ok", "none" (no such domain, or neither MX nor address in it), "null_mx",
              or "unknown" (DNS gave no answer)
    """

    address: str
    key: str
    alias: str
    domain: str
    internal: bool = False
    mail_host: str = "unasked"

    def person(self, *, fold: bool) -> str:
        """The key of the person behind the address: with `fold`, the same for all their aliases."""
        return self.alias if fold else self.key


class Facts(Struct, frozen=True):
    """One submission, read once: envelope, identity, form and content."""

    send_id: str
    now: int
    tenant: str
    mailbox: str
    source: str  # smtp | http
    mail_from: str  # "" is the null sender
    recipients: tuple[RecipientFacts, ...]
    size: int = 0
    # identity
    from_address: str = ""  # key of the one plain From, "" if there is none
    from_domain: str = ""
    sender_addresses: tuple[str, ...] = ()  # keys of From, Sender and MAIL FROM: each must be owned
    identity_defects: tuple[Defect, ...] = ()
    name_suspicions: tuple[str, ...] = ()  # codes for what may deceive in the author's display name
    unsigned: bool = False  # there is no DKIM key for the From domain
    # form
    form_defects: tuple[Defect, ...] = ()
    ambiguities: tuple[Defect, ...] = ()
    # content
    message_class: str = "commercial"
    score: float = 1.0
    in_doubt: bool = False
    features: tuple[Mapping[str, Any], ...] = ()
    claim: str = ""  # "commercial" if the client said so; no other claim counts
    cannot_inject: str = ""  # why footer and header fields cannot be added; "" if they can
    secrets: tuple[Mapping[str, Any], ...] = ()  # redacted findings: {kind, where, shown}
    canaries: tuple[str, ...] = ()
    flaws: tuple[Mapping[str, Any], ...] = ()  # {kind, shown}: what readers and spam filters hold against it
    automatic: bool = False  # Auto-Submitted other than no (RFC 3834, RFC 5436): recorded, grants nothing
    report: bool = False  # a multipart/report on the fate of a message (RFC 3464, RFC 8098)
    report_named: bool = False  # that report's display name is not one that mail systems use
    # sameness
    message_id: str = ""  # only if the client set one
    dedupe_key: str = ""
    idempotency_key: str = ""  # of the HTTP request; never shown in a response
    digest: str = ""  # of the normalised content
    sketch: tuple[int, ...] = ()
    # wishes
    send_at: int = 0
    campaign: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def null_sender(self) -> bool:
        """Whether MAIL FROM is `<>`: no failure is reported to anybody; one recipient at most, and a small limit."""
        return not self.mail_from

    @property
    def is_return(self) -> bool:
        """Whether a mail system is returning something: it has the form of a report and sells nothing.

        The form can be forged, so it gives access only to the small limit of the null sender. An automatic reply does
        not count as a return but as mail of its mailbox: one header field can make any message look like such a reply.
        """
        return self.null_sender and self.report and self.message_class != "commercial"
