"""A million messages to one recipient each, and the rows that each of them leaves behind."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any

from benchmarks.million.past import DAY, HOUR, SPAN, Past, address_of
from relay.mail.ids import new_id

# What becomes of messages, by share.
FATES = {
    "delivered": 0.925,
    "blocked": 0.04,
    "bounced": 0.012,
    "held": 0.005,
    "rejected": 0.005,
    "scheduled": 0.004,
    "expired": 0.003,
    "cancelled": 0.003,
    "deferred": 0.003,
}
DECISION = {"blocked": "blocked", "held": "held", "rejected": "held", "cancelled": "held"}
TOOK = {"delivered", "bounced", "expired", "deferred"}
PROVIDERS = ("primary", "secondary", "backup")
SUBJECTS = (
    "Your order {n} has shipped",
    "Following up on our conversation",
    "Invoice {n}",
    "Your password was changed",
    "A short question about {n}",
    "Minutes of our meeting",
)
REASONS = ("suppressed", "rate_limited", "cooldown", "no_consent", "secret_leak", "recipient_invalid")
BODY = b"From: agent@sender.example\r\nTo: %b\r\nSubject: %b\r\nMessage-ID: <%b@sender.example>\r\n\r\n%b\r\n"
TEXT = b"\r\n".join([b"A line of a letter, as long as lines of letters are, more or less."] * 8)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient."""

    id: str
    at: int
    mailbox: Any
    person: int
    fate: str
    kind: str
    subject: str
    provider: str
    reason: str

    @property
    def recipient(self) -> str:
        """The address it went to."""
        return address_of(self.person)


def letters(past: Past) -> Iterator[Letter]:
    """The messages, in the order they came."""
    chance = past.chance
    fates, bounds = list(FATES), list(accumulate(FATES.values()))
    weights = [1 / (rank + 1) for rank in range(len(past.mailboxes))]
    for number in range(past.messages):
        at = past.now - SPAN + number * (SPAN - HOUR) // past.messages
        yield Letter(
            id=new_id("send", at, chance.randbytes),
            at=at,
            mailbox=chance.choices(past.mailboxes, weights)[0],
            person=int(past.people * chance.random() ** 1.3),  # some people get a message every day, most only a few
            fate=chance.choices(fates, cum_weights=bounds)[0],
            kind="commercial" if chance.random() < 0.4 else "transactional",
            subject=chance.choice(SUBJECTS).format(n=number),
            provider=chance.choices(PROVIDERS, (80, 19, 1))[0],
            reason=chance.choice(REASONS),
        )


def rows_of(past: Past, letters: Sequence[Letter]) -> dict[str, list[dict[str, Any]]]:
    """The rows that messages leave behind, by table."""
    for letter in letters:
        _count(past, letter)
    taken = [letter for letter in letters if letter.fate != "blocked"]
    return {
        "sends": [_send(letter) for letter in letters],
        "decisions": [_decision(past, letter) for letter in letters],
        "bodies": [_body(letter) for letter in taken],
        "deliveries": [_delivery(past, letter) for letter in taken],
        "attempts": [_attempt(letter) for letter in taken if letter.fate in TOOK],
        "approvals": [_approval(past, letter) for letter in letters if DECISION.get(letter.fate) == "held"],
        "events": [event for letter in letters for event in _events(letter)],
    }


def _send(letter: Letter) -> dict[str, Any]:
    is_blocked = letter.fate == "blocked"
    return {
        "id": letter.id,
        "tenant_id": letter.mailbox["tenant_id"],
        "mailbox_id": letter.mailbox["id"],
        "source": "smtp",
        "mail_from": letter.mailbox["address"],
        "from_address": letter.mailbox["address"],
        "to_header": letter.recipient,
        "subject": letter.subject,
        "message_id": f"<{letter.id.lower()}@sender.example>",
        "size": 900,
        "message_class": letter.kind,
        "decision": DECISION.get(letter.fate, "approved"),
        "reason": letter.reason if is_blocked else "",
        "rule": "suppression_check" if is_blocked else "",
        "detail": f"{letter.recipient}: {letter.reason}" if is_blocked else "",
        "dedupe_key": f"key-{letter.id}" if letter.person % 10 == 0 else "",
        "campaign": campaign(letter),
        "metadata": "{}",
        "envelope": '{"source":"smtp","helo":"[127.0.0.1]","peer":"127.0.0.1","tls":"","smtputf8":false}',
        "plan": "{}",
        "digest": "",
        "received_at": letter.at,
    }


def campaign(letter: Letter) -> str:
    """The campaign of a message: commercial mail has one a day."""
    return f"campaign-{letter.at // DAY % 40}" if letter.kind == "commercial" else ""


def _body(letter: Letter) -> dict[str, Any]:
    words = (letter.recipient, letter.subject, letter.id.lower())
    return {"send_id": letter.id, "data": BODY % (*(word.encode() for word in words), TEXT)}


def _delivery(past: Past, letter: Letter) -> dict[str, Any]:
    is_open = letter.fate in ("scheduled", "deferred")
    return {
        "send_id": letter.id,
        "n": 1,
        "tenant_id": letter.mailbox["tenant_id"],
        "mailbox_id": letter.mailbox["id"],
        "recipient": letter.recipient,
        "recipient_key": letter.recipient,
        "domain": letter.recipient.partition("@")[2],
        "state": letter.fate,
        "due_at": past.now + DAY if is_open else letter.at,
        "queued_at": letter.at,
        "attempts": int(letter.fate in TOOK),
        "provider": letter.provider if letter.fate in TOOK else "",
        "provider_id": f"pm-{letter.id}" if letter.fate == "delivered" else "",
        "reply": "250 2.0.0 Ok: queued" if letter.fate == "delivered" else "",
        "size": 900,
        "updated_at": letter.at + 400,
    }


def _attempt(letter: Letter) -> dict[str, Any]:
    code = {"delivered": 250, "bounced": 550}.get(letter.fate, 451)
    return {
        "send_id": letter.id,
        "n": 1,
        "number": 1,
        "provider": letter.provider,
        "node": "node",
        "began_at": letter.at + 100,
        "ended_at": letter.at + 400,
        "result": letter.fate,
        "scope": "" if letter.fate == "delivered" else "recipient",
        "phase": "dot",
        "code": code,
        "enhanced": f"{code // 100}.0.0",
        "reply": f"{code} {code // 100}.0.0 said the provider",
    }


def _approval(past: Past, letter: Letter) -> dict[str, Any]:
    status = {"held": "pending", "rejected": "rejected", "cancelled": "withdrawn"}[letter.fate]
    is_open = status == "pending"
    return {
        "send_id": letter.id,
        "tenant_id": letter.mailbox["tenant_id"],
        "mailbox_id": letter.mailbox["id"],
        "status": status,
        "bound": "",
        "reason": "autonomy_level",
        "requested_at": letter.at,
        "expires_at": past.now + DAY + letter.at % DAY if is_open else letter.at + DAY,
        "decided_at": 0 if is_open else letter.at + HOUR,
        "decided_by": "" if is_open else "operator",
    }


def _events(letter: Letter) -> list[dict[str, Any]]:
    first = {"blocked": "send.blocked", "held": "send.held", "scheduled": "send.scheduled"}
    kinds = [(first.get(letter.fate, "send.queued"), 0)]
    if letter.fate in TOOK:
        kinds.append((f"delivery.{letter.fate}", 400))
    elif letter.fate in ("rejected", "cancelled"):
        kinds.append((f"send.{letter.fate}", HOUR))
    row = {
        "tenant_id": letter.mailbox["tenant_id"],
        "mailbox_id": letter.mailbox["id"],
        "send_id": letter.id,
        "n": 1,
        "recipient": letter.recipient,
        "data": json.dumps({"reason": letter.reason}) if letter.fate == "blocked" else "{}",
    }
    return [row | {"type": kind, "at": letter.at + later} for kind, later in kinds]


def _decision(past: Past, letter: Letter) -> dict[str, Any]:
    """One record of the chain, valid for `gatepost audit verify`."""
    chain = f"{letter.mailbox['tenant_id']}:past"
    position, previous = past.heads.get(chain, (0, "0" * 64))
    token = f"~{letter.person:08x}"
    content = {
        "checks": [
            {"current": 23, "limit": 100, "rule": "rate_limit_hourly", "status": "passed"},
            {"recipient": token, "rule": "suppression_check", "status": "passed"},
            {"rule": "content_classification", "score": 0.7, "status": "passed", "type": letter.kind},
        ],
        "decision": DECISION.get(letter.fate, "approved"),
        "facts": {"from_address": letter.mailbox["address"], "now": letter.at},
        "mailbox": letter.mailbox["id"],
        "position": position + 1,
        "previousHash": previous,
        "reason": letter.reason if letter.fate == "blocked" else "",
        "rule": "",
        "sendId": letter.id,
        "state": {},
        "tenant": letter.mailbox["tenant_id"],
        "timestamp": "2026-03-24T10:30:00Z",
        "verdicts": [[token, "refused" if letter.fate == "blocked" else "queued", "", ""]],
    }
    record = json.dumps(content, separators=(",", ":"))
    digest = sha256(record.encode()).hexdigest()
    past.heads[chain] = (position + 1, digest)
    return {
        "chain": chain,
        "position": position + 1,
        "send_id": letter.id,
        "at": letter.at,
        "record": record,
        "hash": digest,
    }


def _count(past: Past, letter: Letter) -> None:
    if letter.fate in ("delivered", "bounced"):
        where = (
            letter.mailbox["tenant_id"],
            letter.at // HOUR,
            letter.mailbox["id"],
            letter.provider,
            campaign(letter),
        )
        past.volumes[where] += 1
    domain = letter.mailbox["address_key"].partition("@")[2]
    scopes = (f"mailbox:{letter.mailbox['id']}", f"tenant:{letter.mailbox['tenant_id']}", f"domain:{domain}")
    columns = {"delivered": ("sent", "delivered"), "bounced": ("sent", "bounced"), "deferred": ("deferred",)}
    for scope in scopes:
        counted = past.tallies.setdefault((scope, letter.at // HOUR), Counter())
        counted.update(columns.get(letter.fate, ()))
        if letter.fate == "blocked":
            counted["refused"] += 1
