"""Reads a submission once, before it is queued to be judged: the facts for the policy, and the plan of the edits.

Everything here depends only on the message's bytes, the account and the arguments. Text that cannot be added
to the message is discovered here, so that the refusal «cannot inject» comes in time. The work is linear in
the message's size.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policy.classification import Classification
from policy.facts import Defect, Facts, RecipientFacts
from policy.memo import Memo
from policy.reading import Reading, read
from policy.secrets import SecretScanner
from policy.settings import MessageForm
from relay.mail import footer, longline
from relay.mail.address import Address, alias_key
from relay.mail.charset import decode_header
from relay.mail.form import ambiguities, form, normalise_newlines
from relay.mail.header import Fault, HeaderBlock
from relay.mail.identity import Identity, identity
from relay.mail.mime import Part, View, view
from relay.mail.newline import Alone, alone
from relay.mail.report import is_report, is_system_name
from relay.mail.sender import Sender
from relay.mail.text import content
from relay.mail.unsubscribe import Links, Subscription
from relay.submission.account import Account
from relay.submission.intake import Head, Prepared
from relay.submission.submission import Submission, Wishes
from relay.submission.wishes import read_wishes

_BREAKS = re.compile("[\x01-\x1f\x7f-\x9f\u2028\u2029]+")
SHOWN = 200  # characters of Subject and To kept for lists
_AS_READ = MessageForm()
_TURNED = (Defect("text_turned", "a bidirectional override reverses text"),)


class Common(Struct, frozen=True):
    """What all submissions are read with, whoever sends them."""

    internal_domains: frozenset[str]
    bare_newline: str  # normalize | reject
    links: Links
    signs: Callable[[str], bool]  # whether we have a DKIM key for a domain


class _Edits(Struct, frozen=True):
    """The plan as it is stored, and what prevents edits."""

    plan: Mapping[str, Any]
    cannot_inject: str = ""
    defects: tuple[Defect, ...] = ()


def prepare(
    submission: Submission,
    account: Account,
    common: Common,
    scanner: SecretScanner,
    mail_hosts: Mapping[str, str],
) -> Prepared:
    """The facts, head and plan. `mail_hosts` gives, by recipient domain, what DNS says of it, where it was asked."""
    submission, bare, newline = _with_settled_newlines(submission, common)
    data = submission.data
    header = HeaderBlock.parse(data)
    wishes, unheard = read_wishes(header, submission.wishes)
    seen = view(data, header)
    shown = content(seen, _own_names(account))
    envelope = "\n".join([address.wire for address in submission.rcpt_to])  # a name at a hostile domain can be a secret
    reading = read(replace(shown, unseen=(*shown.unseen, envelope)), scanner)
    verdict = reading.classification
    message_class = "commercial" if wishes.claim == "commercial" else verdict.type
    edits = _plan(seen, account, common, submission.rcpt_to, commercial=message_class == "commercial")
    rule = account.policy.message_form
    found = form(data, header, bare, rule.max_received)
    defects = (
        *newline,
        *found,
        *unheard,
        *_named(seen.beyond_limits),
        *_own_bounds(rule, header, seen),
        *edits.defects,
    )
    author = identity(data, header, _own_names(account))
    who = _identity_facts(author, submission)
    reports = is_report(seen.root)
    facts = Facts(
        send_id=submission.send_id,
        now=submission.received_at,
        tenant=account.tenant_id,
        mailbox=account.mailbox_id,
        source=submission.origin.source,
        mail_from=submission.mail_from.wire if submission.mail_from else "",
        recipients=tuple(recipient_facts(r, common, mail_hosts) for r in submission.rcpt_to),
        size=len(data),
        **who,
        unsigned=bool(who["from_domain"]) and not common.signs(who["from_domain"]),
        form_defects=defects,
        ambiguities=(*ambiguities(data, header), *_named(seen.ambiguities), *(_TURNED if shown.is_turned else ())),
        message_class=message_class,
        cannot_inject=edits.cannot_inject,
        automatic=shown.is_automatic,
        report=reports,
        report_named=reports and not is_system_name(author.from_name),
        message_id=_storable(header.get(b"message-id").decode("ascii", "replace")),
        **_reading_facts(reading),
        **_wish_facts(wishes),
    )
    to = decode_header(header.get(b"to"))
    head = Head(_storable(shown.subject[:SHOWN]), _storable(to[:SHOWN]), facts.message_id)
    return Prepared(submission, facts, account.policy, head, edits.plan, seen)


def recipient_facts(address: Address, common: Common, mail_hosts: Mapping[str, str]) -> RecipientFacts:
    """One recipient as the policy sees it."""
    return RecipientFacts(
        address=address.wire,
        key=address.key,
        alias=alias_key(address),
        domain=address.domain,
        internal=address.domain in common.internal_domains,
        mail_host=mail_hosts.get(address.domain, "unasked"),
    )


def _with_settled_newlines(submission: Submission, common: Common) -> tuple[Submission, Alone, tuple[Defect, ...]]:
    """The submission with each bare LF made CRLF before anything is judged, or with a defect if the operator
    wants it refused; also the bare CR and LF that remain.
    """
    bare = alone([submission.data])
    if not bare.lf:
        return submission, bare, ()
    if common.bare_newline == "reject":
        return submission, bare, (Defect("bare_newline", "a line ends with a bare LF"),)
    return replace(submission, data=normalise_newlines(submission.data)), bare._replace(lf=False), ()


def _own_names(account: Account) -> tuple[str, ...]:
    return (account.from_name,) if account.from_name else ()


def _identity_facts(who: Identity, submission: Submission) -> dict[str, Any]:
    senders = [a.exact for a in (who.from_address, who.sender, submission.mail_from) if a is not None]
    return {
        "from_address": who.from_address.key if who.from_address else "",
        "from_domain": who.from_address.domain if who.from_address else "",
        "sender_addresses": tuple(dict.fromkeys(senders)),
        "identity_defects": who.defects,
        "name_suspicions": who.suspicions,
    }


def _storable(text: str) -> str:
    """The text on one line, for display, without characters that databases or UTF-8 cannot hold."""
    return _BREAKS.sub(" ", text.replace("\0", "")).encode("utf-8", "replace").decode()


def _reading_facts(reading: Reading) -> dict[str, Any]:
    verdict: Classification = reading.classification
    secrets = [f for f in reading.secrets if not f.is_canary]
    return {
        "score": verdict.score,
        "in_doubt": verdict.in_doubt,
        "features": tuple(
            [{"name": f.name, "weight": round(f.weight, 3), "evidence": f.evidence} for f in verdict.features]
        ),
        "secrets": tuple([{"kind": f.kind, "evidence": f.evidence} for f in secrets]),
        "canaries": tuple([f.evidence for f in reading.secrets if f.is_canary]),
        "flaws": tuple([{"kind": f.kind, "shown": f.shown} for f in reading.flaws]),
        "digest": reading.digest,
        "sketch": reading.sketch,
    }


def _wish_facts(wishes: Wishes) -> dict[str, Any]:
    return {
        "claim": wishes.claim,
        "dedupe_key": wishes.dedupe_key,
        "idempotency_key": wishes.idempotency_key,
        "send_at": wishes.send_at,
        "campaign": wishes.campaign,
        "metadata": wishes.metadata,
    }


def _closer(rule: MessageForm) -> bool:
    return dataclasses.replace(rule, mode=_AS_READ.mode, max_received=_AS_READ.max_received) != _AS_READ


_draws_closer = Memo(_closer)


def _own_bounds(rule: MessageForm, header: HeaderBlock, seen: View) -> tuple[Defect, ...]:
    """Defects where the operator's limits on header and structure, stricter than our parser's, are exceeded."""
    if not _draws_closer(rule):
        return ()
    fields = header.fields
    measured = (
        (header.fields_end - header.start, rule.max_header_bytes, "octets of header"),
        (max((f.end - f.start for f in fields), default=0), rule.max_field_bytes, "octets in a header field"),
        (len(fields), rule.max_fields, "header fields"),
        (len(seen.parts), rule.max_parts, "MIME parts"),
        (_depth(seen.root) if len(seen.parts) > rule.max_nesting else 0, rule.max_nesting, "levels of MIME"),
    )
    return tuple([Defect("beyond_own_bounds", f"{n} {what}, {most} allowed") for n, most, what in measured if n > most])


def _depth(root: Part) -> int:
    """How many levels of parts are nested in this one; 0 if it has none."""
    depth, level = 0, list(root.children)
    while level:
        depth, level = depth + 1, [child for part in level for child in part.children]
    return depth


def _named(faults: Sequence[Fault]) -> tuple[Defect, ...]:
    """Each kind of fault once, however many parts have it."""
    return tuple([Defect(code, code.replace("_", " ")) for code in dict.fromkeys([fault.code for fault in faults])])


def _plan(seen: View, account: Account, common: Common, to: Sequence[Address], *, commercial: bool) -> _Edits:
    """The changes that compliance and transport require; planned now, applied at departure."""
    recoding = longline.long_lines(seen)
    if recoding.impossible:
        return _Edits({}, defects=(Defect("line_too_long", recoding.impossible),))
    plan: dict[str, Any] = {"recoded": list(recoding.bodies)} if recoding.bodies else {}
    if not commercial:
        return _Edits(plan)
    sender = _sender(account)
    links = common.links
    is_theirs = partial(_leads_out, links, account, to)
    planned = footer.plan(seen, _anybodys(links, sender, account.tenant_id), is_theirs, links.host)
    if planned.impossible:
        return _Edits(plan, cannot_inject=planned.impossible)
    if recoding.bodies:
        planned = _recoding(planned, recoding.bodies)
    return _Edits(plan | {"footer": planned.to_json(), "sender": sender.to_json()})


def _leads_out(links: Links, account: Account, to: Sequence[Address], url: str) -> bool:
    """Whether a link unsubscribes exactly this recipient from this sender; anybody else's link is of no use
    to the reader.
    """
    ends = links.subscription(url)
    if ends is None or len(to) != 1:
        return False
    return (ends.tenant_id, ends.mailbox_id, ends.address) == (account.tenant_id, account.mailbox_id, to[0].wire)


@lru_cache(maxsize=1024)
def _anybodys(links: Links, sender: Sender, tenant_id: str) -> footer.Footer:
    """A sample footer to plan with: as long as any real one, but belonging to no recipient."""
    return sender.footer(links.url(Subscription(tenant_id, "", "somebody@example.com")))


def _recoding(planned: footer.Plan, bodies: tuple[int, ...]) -> footer.Plan:
    """A part that is re-encoded for its long lines takes its footer in that step instead of having it spliced in."""
    parts = tuple(p._replace(way="recode") if p.body in bodies and p.way == "splice" else p for p in planned.parts)
    return replace(planned, parts=parts)


def _sender(account: Account) -> Sender:
    return Sender(
        name=account.from_name or account.address,
        physical_address=account.physical_address,
        language=account.language,
        text=account.footer.get("text", ""),
        html=account.footer.get("html", ""),
    )
