"""Who may be written to: deliverable addresses, and the operator's allow and block lists.

An allow list matches the address as it goes on the wire, a block list every spelling of it:
folding may only lead to more refusals. The syntax was checked when the address was parsed.
"""

import unicodedata

from msgspec import Struct

from policy.facts import RecipientFacts, alias_of, exact
from policy.memo import Memo
from policy.rules.case import PASSED, Case, Finding, refuse, unread
from policy.settings import RecipientAllowed
from policy.state import RecipientState

# RFC 6761 §6.3, §6.4; RFC 6762 §3; RFC 7686: these top-level domains never have a mail host.
NEVER_RECEIVES = frozenset({"invalid", "localhost", "local", "onion"})

# RFC 2142 and common practice: addresses of a function, not of a person.
ROLE_ACCOUNTS = frozenset(
    (
        *("abuse", "admin", "administrator", "billing", "contact", "ftp", "help", "hostmaster", "info"),
        *("mailer-daemon", "majordomo", "marketing", "news", "no-reply", "noc", "noreply", "office"),
        *("postmaster", "root", "sales", "security", "ssladmin", "support", "sysadmin", "usenet", "uucp"),
        *("webmaster", "www"),
    )
)


class Lists(Struct, frozen=True):
    """The operator's lists, prepared so that each takes one look-up."""

    allow: frozenset[str]
    allow_domains: frozenset[str]
    block: frozenset[str]
    block_aliases: frozenset[str]
    block_domains: frozenset[str]

    @property
    def closed(self) -> bool:
        """Whether only listed recipients may be written to."""
        return bool(self.allow or self.allow_domains)


def recipient_valid(case: Case, recipient: RecipientFacts, _known: RecipientState | None) -> Finding:
    """10: the domain can receive mail."""
    if recipient.domain.rpartition(".")[2] in NEVER_RECEIVES:
        return _invalid(f"{recipient.domain} can never receive mail", "never_receives")
    if not case.settings.recipient_valid.check_mx:
        return PASSED
    match recipient.mail_host:
        case "none":
            return _invalid(f"{recipient.domain} has no mail host", "no_domain")
        case "null_mx":
            return _invalid(f"{recipient.domain} accepts no mail", "null_mx")  # RFC 7505 §3
        case "unknown":
            return unread(f"the mail host of {recipient.domain}")
        case _:
            return PASSED


def recipient_allowed(case: Case, recipient: RecipientFacts, _known: RecipientState | None) -> Finding:
    """11: on the allow list if there is one, on no block list, and no role account if those are blocked."""
    rule = case.settings.recipient_allowed
    lists = _lists_of(rule)
    if lists is None:
        return PASSED
    fold = case.settings.suppression_check.fold_aliases
    if _blocked(lists, recipient, fold=fold):
        return _not_allowed(f"{recipient.address} is on the block list", "block_list")
    if rule.role_accounts == "block" and _is_role(recipient, fold=fold):
        return _not_allowed(f"{recipient.address} is a role account", "role_account")
    if lists.closed and not _allowed(lists, recipient):
        return _not_allowed(f"{recipient.address} is not on the allow list", "allow_list")
    return PASSED


def _prepare(rule: RecipientAllowed) -> Lists | None:
    """The lists of a policy; None if the rule is at its defaults."""
    if rule == RecipientAllowed(mode=rule.mode):
        return None
    blocked = frozenset(_folded(a) for a in rule.block_addresses)
    return Lists(
        frozenset(exact(a) for a in rule.addresses),
        frozenset(d.lower() for d in rule.domains),
        blocked,
        frozenset(map(alias_of, blocked)),
        frozenset(d.lower() for d in rule.block_domains),
    )


_lists_of = Memo(_prepare)


def _blocked(lists: Lists, recipient: RecipientFacts, *, fold: bool) -> bool:
    listed = recipient.key in lists.block or (fold and recipient.alias in lists.block_aliases)
    return listed or under(recipient.domain, lists.block_domains)


def _is_role(recipient: RecipientFacts, *, fold: bool) -> bool:
    return (recipient.alias if fold else recipient.key).partition("@")[0] in ROLE_ACCOUNTS


def _allowed(lists: Lists, recipient: RecipientFacts) -> bool:
    return exact(recipient.address) in lists.allow or under(recipient.domain, lists.allow_domains)


def under(domain: str, domains: frozenset[str]) -> bool:
    """Whether the list names the domain, or one of its parents with a leading dot."""
    if not domains:
        return False
    if domain in domains:
        return True
    _, dot, parent = domain.partition(".")
    while dot:
        if f".{parent}" in domains:
            return True
        _, dot, parent = parent.partition(".")
    return False


def _folded(address: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).casefold())


def _invalid(detail: str, cause: str) -> Finding:
    return refuse("recipient_invalid", detail, "never", "drop_recipient", cause=cause, evidence={"cause": cause})


def _not_allowed(detail: str, why: str) -> Finding:
    return refuse("recipient_not_allowed", detail, "human", "drop_recipient", evidence={"list": why})
