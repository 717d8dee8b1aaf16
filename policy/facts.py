"""What is known of one submission before any state is looked at.

Facts are recorded beside the decision, so that a changed policy can be tried on past
traffic without a guess: everything here turns into JSON and back without loss.
Times are milliseconds since the epoch, UTC.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from policy.decision import EMPTY


def exact(address: str) -> str:
    """The form in which addresses that let somebody in are compared.

    Only the letters of an ASCII address are folded: the Kelvin sign would become a k, and let somebody else in.
    """
    return address.lower() if address.isascii() else address


def alias_of(key: str) -> str:
    """The key under which the aliases of one mailbox fall together, from the folded key of any of them.

    The tag after a plus goes everywhere; Gmail ignores dots and has two names. Only for what refuses: what lets
    somebody in, or counts how many there are, takes the address.
    """
    local, _, domain = key.rpartition("@")
    bare = local.split("+", 1)[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{bare.replace('.', '') or bare}@gmail.com"
    return f"{bare}@{domain}"


class Defect(Struct, frozen=True):
    """Something wrong with a message: a stable code, a clause for people, and the line if one is to blame."""

    code: str
    detail: str
    line: int = 0


class RecipientFacts(Struct, frozen=True):
    """One recipient as the envelope names it.

    address   the one string that goes on the wire
    key       folded, for deny lists and for telling two recipients apart
    alias     folded further (`alias_of`), asked for only where `fold_aliases` is on
    domain    A-label, lower case
    internal  whether the domain is one of the installation's `internal_domains`
    mail_host "unasked", "ok", "none" (no such domain), "null_mx", or "unknown" (DNS gave no answer)
    """

    address: str
    key: str
    alias: str
    domain: str
    internal: bool = False
    mail_host: str = "unasked"

    def person(self, *, fold: bool) -> str:
        """The key of the person behind the address: where aliases are folded, one for all of them."""
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
    name_suspicions: tuple[str, ...] = ()  # codes for what in the author's display name is fit to deceive
    unsigned: bool = False  # there is no key to sign mail of the From domain with
    # form
    form_defects: tuple[Defect, ...] = ()
    ambiguities: tuple[Defect, ...] = ()
    # content
    message_class: str = "commercial"
    score: float = 1.0
    in_doubt: bool = False
    features: tuple[Mapping[str, Any], ...] = ()
    claim: str = ""  # "commercial" when the client said so; nothing else counts
    cannot_inject: str = ""  # why footer and headers cannot be put in, "" if they can
    secrets: tuple[Mapping[str, Any], ...] = ()  # redacted findings: {kind, where, shown}
    canaries: tuple[str, ...] = ()
    automatic: bool = False  # Auto-Submitted other than no (RFC 3834, RFC 5436): recorded, and opens nothing
    report: bool = False  # multipart/report that says what became of a message (RFC 3464, RFC 8098)
    report_named: bool = False  # and its display name is none that mail systems use
    # sameness
    message_id: str = ""  # only where the client set one
    dedupe_key: str = ""
    idempotency_key: str = ""  # of the HTTP request; no answer shows it
    digest: str = ""  # of the normalised content
    sketch: tuple[int, ...] = ()
    # wishes
    send_at: int = 0
    campaign: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def null_sender(self) -> bool:
        """Whether nobody is to be told of a failure (MAIL FROM:<>): one recipient, and a small bucket."""
        return not self.mail_from

    @property
    def is_return(self) -> bool:
        """Whether a mail system returns something: by its form a report, and nothing sold in it.

        The form can be forged, so it opens no more than the small bucket. An automatic answer is its mailbox's own
        mail: one header field makes any message one.
        """
        return self.null_sender and self.report and self.message_class != "commercial"
