"""How decisions are worded in SMTP: the only place where reasons become reply codes.

The class of a code follows from the remedy: 4yz only if the identical message will pass later, without anybody's
action and soon enough; otherwise 5yz. A refusal is one line of at most 200 octets, whatever is echoed in it; only
its clause is ever shortened. Nothing here reveals a class, a path or a host of ours.
"""

from collections.abc import Sequence
from typing import Any

from policy.decision import REFUSED, Check, Decision, Reason, RecipientVerdict, Refusal, failed
from policy.settings import Options
from relay.mail.address import AddressError
from relay.mail.reply import LINE_LIMIT, EnhancedCode, Reply, refusal
from relay.submission.submission import Answer, Phase

RETRY_UNAVAILABLE = 60  # seconds; long enough for a store to recover, short enough for a login code in a mail
RETRY_HELD = 300  # seconds between two polls for an approval

_POLICY = (550, EnhancedCode(5, 7, 1))
_WAIT = (451, EnhancedCode(4, 7, 0))
_WAIT_RECIPIENT = (450, EnhancedCode(4, 7, 0))

# Reasons whose code does not depend on the wait.
_FIXED: dict[Reason, tuple[int, EnhancedCode]] = {
    "message_too_large": (552, EnhancedCode(5, 3, 4)),
    "malformed_message": (554, EnhancedCode(5, 6, 0)),
    "mail_loop": (554, EnhancedCode(5, 4, 6)),
}
# By cause: a rule's finding, or the enhanced code of an invalid address.
_INVALID_RECIPIENT = {
    "no_domain": (550, EnhancedCode(5, 1, 2)),
    "never_receives": (550, EnhancedCode(5, 1, 2)),
    "null_mx": (556, EnhancedCode(5, 1, 10)),  # RFC 7504, 7505
    "5.1.2": (550, EnhancedCode(5, 1, 2)),
    "5.6.7": (553, EnhancedCode(5, 6, 7)),
}
_UNAVAILABLE = {"": (451, EnhancedCode(4, 3, 0)), "full": (452, EnhancedCode(4, 3, 1))}
# Reasons that concern one recipient at this moment: 450 if the recipient is named.
_OF_RECIPIENT: frozenset[Reason] = frozenset({"lease_conflict", "cooldown"})
# A sender that is not a valid address (RFC 3463 §3.2): X.1.7 and X.1.8 are the sender's X.1.3 and X.1.2.
_BAD_SENDER = {
    "5.1.3": (553, EnhancedCode(5, 1, 7)),
    "5.1.2": (550, EnhancedCode(5, 1, 8)),
    "5.6.7": (553, EnhancedCode(5, 6, 7)),
}

UNAVAILABLE = Refusal("unavailable", "the store is unavailable at the moment", "after", "wait", RETRY_UNAVAILABLE)
FULL = Refusal("unavailable", "no room for more messages at the moment", "after", "wait", RETRY_UNAVAILABLE, "full")
OVERDUE = Refusal("unavailable", "the answer took too long", "after", "wait", RETRY_UNAVAILABLE)
BROKEN = Refusal("unavailable", "temporary error", "after", "wait", RETRY_UNAVAILABLE)

# What a session finds by itself, under the name of the rule for which it stands.
NO_ROOM = failed("capacity", FULL)
LONG_LINE = failed(
    "message_form", Refusal("malformed_message", "a line is longer than 65536 octets", "never", "change_content")
)
TOO_MANY = failed(
    "recipients_per_message",
    Refusal("too_many_recipients", "this message has too many recipients", "after", "reduce_recipients"),
)
ONE_ONLY = failed(
    "recipients_per_message",
    Refusal(
        "too_many_recipients", "mail from the null sender may have only one recipient", "after", "reduce_recipients"
    ),
)


def partly(refused: Sequence[Refusal], longest: int) -> Check:
    """The refusal of DATA for a strict mailbox that lacks these recipients: with the longest wait, told as temporary
    where each of theirs was, or for good where waiting does not help them all.
    """
    detail = "a recipient was refused and the mailbox is strict"
    if not all(why.retry == "after" and why.wait for why in refused):
        return failed("strict_recipients", Refusal("recipient_refused", detail, "never", "drop_recipient"))
    worst = max(refused, key=lambda why: (not why.is_temporary(longest), why.wait))
    wait = max(why.wait for why in refused)
    return failed("strict_recipients", Refusal("recipient_refused", detail, "after", "wait", wait, worst.reason))


def too_large(limit: int) -> Check:
    """A message larger than the size announced in EHLO."""
    return failed(
        "message_form",
        Refusal("message_too_large", f"the message is larger than {limit} octets", "never", "change_content"),
    )


def too_often(wait: int) -> Refusal:
    """The refusal of MAIL where the mailbox was refused too much already; nothing records it."""
    return Refusal("too_many_refusals", "too many recipients were refused within a minute", "after", "wait", wait)


def refused(why: Refusal, phase: Phase, send_id: str, longest: int = 86_400) -> Reply:
    """The reply to a refusal; a wait of more than `longest` seconds is not told as temporary."""
    code, enhanced = _status(why, phase, longest)
    return refusal(code, enhanced, why.reason, why.detail, _retry(why), why.next, send_id)


def words_of(why: Refusal, longest: int) -> dict[str, Any]:
    """What a refusal after the final dot says, word by word and nothing shortened, for an event."""
    code, enhanced = _status(why, "DATA", longest)
    words = {"reason": why.reason, "detail": why.detail, "code": code, "status": str(enhanced)}
    return words | {"retry": _retry(why), "next": why.next}


def _retry(why: Refusal) -> int | str:
    return why.wait if why.retry == "after" else why.retry


def bad_recipient(error: AddressError) -> Check:
    """The refusal of RCPT with an invalid address."""
    why = Refusal("recipient_invalid", error.detail, "never", "drop_recipient", cause=str(error.enhanced))
    return failed("recipient_valid", why)


def bad_sender(error: AddressError) -> Check:
    """The refusal of MAIL with an invalid address."""
    why = Refusal("sender_not_allowed", error.detail, "never", "fix_sender", cause=str(error.enhanced))
    return failed("sender_identity", why)


def answered(answer: Answer, options: Options) -> bytes:
    """The line after the final dot."""
    decision = answer.decision
    longest = options.longest
    if decision.decision in REFUSED:
        return line(_mixed(decision, answer.send_id, longest))
    if answer.held and options.hold_reply == "tempfail":
        held = Refusal("held", "waiting for approval", "after", "wait", min(RETRY_HELD, longest))
        return line(refused(held, "DATA", answer.send_id, longest))
    return _taken(answer)


def line(reply: Reply) -> bytes:
    """The reply as sent on the wire."""
    return reply.line() + b"\r\n"


def _taken(answer: Answer) -> bytes:
    note = " (duplicate of an earlier send)" if answer.replayed else " (held for approval)" if answer.held else ""
    return f"250 2.0.0 Ok: queued as {answer.send_id}{note}\r\n".encode("ascii")


def _status(why: Refusal, phase: Phase, longest: int) -> tuple[int, EnhancedCode]:
    match why.reason:
        case "unavailable":
            return _UNAVAILABLE.get(why.cause, _UNAVAILABLE[""])
        case "recipient_invalid":
            return _INVALID_RECIPIENT.get(why.cause, (553, EnhancedCode(5, 1, 3)))
        case "sender_not_allowed" if why.cause in _BAD_SENDER:
            return _BAD_SENDER[why.cause]
        case "too_many_recipients":
            # At RCPT the first ones stay valid (RFC 5321 §4.5.3.1.10); at DATA the same message never passes.
            return (452, EnhancedCode(4, 5, 3)) if phase == "RCPT" else (550, EnhancedCode(5, 5, 3))
        case reason if reason in _FIXED:
            return _FIXED[reason]
    if not why.is_temporary(longest):
        return _POLICY
    return _WAIT_RECIPIENT if phase == "RCPT" and why.reason in _OF_RECIPIENT else _WAIT


def _mixed(decision: Decision, send_id: str, longest: int) -> Reply:
    """One line for all recipients: permanent if any of the refusals is, otherwise with the longest wait; names as
    many recipients as fit.
    """
    # Those without a next step are refused only because of another recipient; if named, clients would drop them, too.
    failed = [v for v in decision.verdicts if v.outcome == "refused" and v.refusal and v.refusal.next != "none"]
    why = _worst(decision, failed, longest)
    others = [v.recipient for v in failed if v.recipient not in why.detail]
    # The policy's own clause about several recipients belongs to none of them: it names the others already.
    is_named = all(v.refusal is not None and v.refusal.detail != why.detail for v in failed)
    if is_named or not others or all(v.refusal == why for v in decision.verdicts):
        return refused(why, "DATA", send_id, longest)
    room = LINE_LIMIT - 2 - len(str(refused(_with_detail(why, ""), "DATA", send_id, longest)))
    return refused(_with_detail(why, _named(why.detail, others, room)), "DATA", send_id, longest)


def _worst(decision: Decision, failed: list[RecipientVerdict], longest: int) -> Refusal:
    found = [v.refusal for v in failed if v.refusal is not None]
    if decision.refusal is not None:
        found.insert(0, decision.refusal)
    if not found:
        return BROKEN  # a decision without a reason is our own bug, never the client's fault
    lasting = [why for why in found if not _status(why, "DATA", longest)[0] < 500]
    return lasting[0] if lasting else max(found, key=lambda why: why.wait)


def _named(detail: str, others: list[str], room: int) -> str:
    """The detail, then as many addresses as fit, then the number of the others."""
    text, shown = detail, 0
    for address in others:
        longer = f"{text}{', ' if shown else ', also refused: '}{address}"
        if len(longer) > room - len(" and 1000 more"):
            break
        text, shown = longer, shown + 1
    rest = len(others) - shown
    return text if not rest else f"{text} and {rest} more"


def _with_detail(why: Refusal, detail: str) -> Refusal:
    return Refusal(why.reason, detail, why.retry, why.next, why.wait, why.cause)


# -- replies of the protocol: no reason, no pairs -------------------------------------------------------------------

OK_MAIL = b"250 2.1.0 Ok\r\n"
OK_RCPT = b"250 2.1.5 Ok\r\n"
OK = b"250 2.0.0 Ok\r\n"
BYE = b"221 2.0.0 Bye\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
HELP = b"214 2.0.0 See RFC 5321; MAIL, RCPT and DATA after AUTH\r\n"
VRFY = b"252 2.1.5 Cannot say, send and see\r\n"
READY_FOR_TLS = b"220 2.0.0 Ready to start TLS\r\n"
AUTHENTICATED = b"235 2.7.0 Authentication succeeded\r\n"

UNKNOWN = b"500 5.5.2 Command not recognised\r\n"
TOO_LONG = b"500 5.5.6 Line too long\r\n"
NOT_IMPLEMENTED = b"502 5.5.1 Command not implemented\r\n"
BAD_CHARACTERS = b"501 5.5.2 The command has a control character\r\n"
BAD_UTF8 = b"501 5.5.4 The command is not valid UTF-8\r\n"
NO_ARGUMENT = b"501 5.5.4 This command takes no argument\r\n"
BAD_MAIL = b"501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
BAD_RCPT = b"501 5.5.4 Syntax: RCPT TO:<address>\r\n"
BAD_PARAMETER = b"501 5.5.4 A parameter has a wrong value\r\n"
UNKNOWN_PARAMETER = b"555 5.5.4 Parameter not recognised\r\n"
NO_NAME = b"501 5.5.4 Syntax: EHLO name\r\n"
LONG_NAME = b"501 5.5.2 The name after EHLO is too long\r\n"

EHLO_FIRST = b"503 5.5.1 EHLO first\r\n"
MAIL_FIRST = b"503 5.5.1 MAIL first\r\n"
NESTED_MAIL = b"503 5.5.1 A transaction is open already\r\n"
NO_RECIPIENTS = b"554 5.5.1 No valid recipients\r\n"

AUTH_REQUIRED = b"530 5.7.0 Authentication required\r\n"
TLS_REQUIRED = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
TLS_FOR_AUTH = b"538 5.7.11 Encryption required for authentication\r\n"
TLS_NOT_HERE = b"502 5.5.1 No TLS on this port: turn it off in the client, or use a port that offers STARTTLS\r\n"
TLS_TWICE = b"503 5.5.1 TLS is on already\r\n"
TLS_PIPELINED = b"501 5.5.2 Nothing may follow STARTTLS before the handshake\r\n"
AUTH_TWICE = b"503 5.5.1 Authenticated already\r\n"
AUTH_MECHANISM = b"504 5.5.4 Mechanism not supported, use PLAIN or LOGIN\r\n"
AUTH_SYNTAX = b"501 5.5.2 Cannot decode the response\r\n"
AUTH_CANCELLED = b"501 5.7.0 Authentication cancelled\r\n"
AUTH_WRONG = b"535 5.7.8 Authentication credentials invalid\r\n"
AUTH_REVOKED = b"525 5.7.13 The credential is disabled\r\n"
AUTH_BUSY = b"454 4.7.0 Temporary authentication failure\r\n"
AUTH_TOO_OFTEN = b"421 4.7.0 Too many failed logins, closing\r\n"
TOO_MANY_OF_CREDENTIAL = b"421 4.7.0 Too many connections with this credential\r\n"

NOT_SMTP = b"554 5.5.0 This is an SMTP server, closing\r\n"
EARLY = b"554 5.5.0 The client spoke before the greeting, closing\r\n"
TOO_MANY_ERRORS = b"421 4.7.0 Too many errors, closing\r\n"
TOO_MUCH_JUNK = b"421 4.7.0 Too many commands that send nothing, closing\r\n"
TOO_OLD = b"421 4.7.0 This connection has lasted long enough, connect again\r\n"
TIMED_OUT = b"421 4.4.2 Timeout, closing\r\n"
TROUBLE = b"451 4.3.0 Temporary error, try again later\r\n"
SHUTTING_DOWN = b"421 4.3.2 Shutting down, try again soon\r\n"
TOO_MANY_CONNECTIONS = b"421 4.3.2 Too many connections, try again later\r\n"
TOO_MANY_OF_ADDRESS = b"421 4.7.0 Too many connections from your address\r\n"
