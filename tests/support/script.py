"""What a provider does at each moment of a conversation: the vocabulary of its good and bad behaviour.

A script names a step for a phase; where it names none the provider behaves. Phases: greeting,
ehlo, starttls, auth, mail, rcpt, data, body (after 354, before the dot), dot, rset, noop, quit.
A step is

    "451 4.7.1 later"        the reply; with newlines, a multi-line one; 421 closes the connection after it
    Raw(b"…")                these bytes, whatever they are; the provider goes on as if it had accepted nothing
    Hang()                   silence, the connection stays open
    Drop(), Drop(b"25")      the connection is reset, perhaps after a piece of the reply
    HalfClose("250 ok")      the reply, then no more writing; what comes is still read
    Drip("250 ok", 0.01)     the reply, one octet at a time
    Hold(gate, step)         the step, once the test has set the gate
    Taken(step)              at the dot: the message is kept, and counts, whatever the client is told
    a function of Asked      decides each time; None means «behave»
"""

import dataclasses
import itertools
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """What the client has just done."""

    phase: str
    argument: str = ""  # what follows the verb; at rcpt and mail the address alone
    connection: int = 0  # counted from 1
    data: bytes = b""  # at the dot: the message


@dataclass(frozen=True, slots=True)
class Raw:
    """Octets that need not form a reply."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """Silence; the connection stays open."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection reset, after a piece of a reply if one is given."""

    after: bytes = b""


@dataclass(frozen=True, slots=True)
class HalfClose:
    """A reply (or none), then the end of the server's sending direction."""

    reply: str = ""


@dataclass(frozen=True, slots=True)
class Drip:
    """A reply that comes one octet at a time."""

    reply: str
    every: float  # seconds


@dataclass(frozen=True, slots=True)
class Hold:
    """Waits for the test before it goes on."""

    gate: threading.Event
    then: "Act" = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The message is kept although the client is not told so."""

    then: "Act"


Act = str | Raw | Hang | Drop | HalfClose | Drip | Hold | Taken | None
Step = Act | Callable[[Asked], Act]


@dataclass(frozen=True, slots=True)
class Script:
    """How a provider behaves from the connection on."""

    steps: Mapping[str, Step] = field(default_factory=dict)
    recipients: Mapping[str, Step] = field(default_factory=dict)  # by address, before steps["rcpt"]
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 31457280", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    auth: tuple[str, ...] = ("PLAIN", "LOGIN")  # announced mechanisms; empty hides AUTH
    users: Mapping[str, str] | None = None  # None lets everybody in
    require_auth: bool = False
    starttls: bool = False
    implicit_tls: bool = False
    certificate: str = "good"  # good | other-name | unknown-authority | expired

    def on(self, **steps: Step) -> "Script":
        """The same script with these phases changed: `Script().on(dot="451 4.3.0 later")`."""
        return dataclasses.replace(self, steps={**self.steps, **steps})

    def for_recipient(self, **by_address: Step) -> "Script":
        """A step for each of these recipients: `for_recipient(**{"bob@x.test": "550 5.1.1 no"})`."""
        return dataclasses.replace(self, recipients={**self.recipients, **by_address})


def first(times: int, act: Act, then: Act = None) -> Callable[[Asked], Act]:
    """`act` for the first few times, then another one (or good behaviour)."""
    count = itertools.count()
    return lambda asked: act if next(count) < times else then


# Each misbehaviour listed in faults.md R30 to R48, with a name for parametrising tests.
FAULTS: dict[str, tuple[str, Act]] = {
    "greeting_421": ("greeting", "421 4.3.2 too busy"),
    "greeting_554": ("greeting", "554 5.3.2 not you"),
    "greeting_garbage": ("greeting", Raw(b"\x00\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n")),
    "greeting_silence": ("greeting", Hang()),
    "greeting_drop": ("greeting", Drop()),
    "greeting_cut": ("greeting", Drop(b"220 mx.te")),
    "greeting_half_close": ("greeting", HalfClose()),
    "greeting_slow": ("greeting", Drip("220 mx.test here", 60.0)),
    "ehlo_502": ("ehlo", "502 5.5.1 what is that"),
    "ehlo_421": ("ehlo", "421 4.7.0 go away"),
    "ehlo_451": ("ehlo", "451 4.3.0 later"),
    "ehlo_garbage": ("ehlo", Raw(b"<html>hello</html>\r\n")),
    "ehlo_hang": ("ehlo", Hang()),
    "ehlo_drop": ("ehlo", Drop()),
    "ehlo_cut": ("ehlo", Drop(b"250-mx.test\r\n250-SI")),
    "ehlo_half_close": ("ehlo", HalfClose()),
    "ehlo_slow": ("ehlo", Drip("250 mx.test here", 60.0)),
    "starttls_454": ("starttls", "454 4.7.0 no certificate today"),
    "starttls_garbage": ("starttls", Raw(b"220 2.0.0 ready\r\nthis is no handshake\r\n")),
    "starttls_502": ("starttls", "502 5.5.1 not here"),
    "starttls_hang": ("starttls", Hang()),
    "starttls_drop": ("starttls", Drop()),
    "starttls_half_close": ("starttls", HalfClose("220 2.0.0 ready")),
    "auth_535": ("auth", "535 5.7.8 wrong"),
    "auth_530": ("auth", "530 5.7.0 account needs attention"),
    "auth_454": ("auth", "454 4.7.0 directory is down"),
    "auth_421": ("auth", "421 4.7.0 too many logins"),
    "auth_garbage": ("auth", Raw(b"\x16\x03\x01what\r\n")),
    "auth_hang": ("auth", Hang()),
    "auth_drop": ("auth", Drop()),
    "auth_cut": ("auth", Drop(b"235 2.7")),
    "auth_half_close": ("auth", HalfClose()),
    "mail_421": ("mail", "421 4.7.0 slow down"),
    "mail_450": ("mail", "450 4.7.1 rate exceeded"),
    "mail_451": ("mail", "451 4.3.0 trouble"),
    "mail_452": ("mail", "452 4.3.1 no room"),
    "mail_454": ("mail", "454 4.7.0 throttled"),
    "mail_550": ("mail", "550 5.7.1 sender is not verified"),
    "mail_suspended": ("mail", "550 5.7.0 account suspended"),
    "mail_hang": ("mail", Hang()),
    "mail_drop": ("mail", Drop()),
    "mail_cut": ("mail", Drop(b"25")),
    "mail_half_close": ("mail", HalfClose()),
    "mail_garbage": ("mail", Raw(b"\x00\xffOK\r\n")),
    "mail_slow": ("mail", Drip("250 2.0.0 in a while", 60.0)),
    "rcpt_421": ("rcpt", "421 4.7.0 enough for now"),
    "rcpt_450": ("rcpt", "450 4.2.1 mailbox busy"),
    "rcpt_451": ("rcpt", "451 4.7.1 rate exceeded"),
    "rcpt_452": ("rcpt", "452 4.5.3 too many recipients"),
    "rcpt_550": ("rcpt", "550 5.1.1 no such user"),
    "rcpt_550_policy": ("rcpt", "550 5.7.1 refused by policy"),
    "rcpt_hang": ("rcpt", Hang()),
    "rcpt_drop": ("rcpt", Drop()),
    "rcpt_cut": ("rcpt", Drop(b"25")),
    "rcpt_half_close": ("rcpt", HalfClose()),
    "rcpt_garbage": ("rcpt", Raw(b"\x00\xffOK\r\n")),
    "rcpt_slow": ("rcpt", Drip("250 2.0.0 in a while", 60.0)),
    "data_451": ("data", "451 4.3.0 not now"),
    "data_421": ("data", "421 4.3.2 closing"),
    "data_554": ("data", "554 5.5.1 no valid recipients"),
    "data_hang": ("data", Hang()),
    "data_drop": ("data", Drop()),
    "data_cut": ("data", Drop(b"25")),
    "data_half_close": ("data", HalfClose()),
    "data_garbage": ("data", Raw(b"\x00\xffOK\r\n")),
    "data_slow": ("data", Drip("250 2.0.0 in a while", 60.0)),
    "body_drop": ("body", Drop()),
    "body_half_close": ("body", HalfClose()),
    "body_421": ("body", "421 4.3.2 closing"),
    "body_552": ("body", HalfClose("552 5.3.4 too big")),
    "dot_421": ("dot", "421 4.3.0 shutting down"),
    "dot_451": ("dot", "451 4.3.0 could not store"),
    "dot_452": ("dot", "452 4.3.1 no room"),
    "dot_552": ("dot", "552 5.3.4 too big"),
    "dot_554": ("dot", "554 5.7.1 content refused"),
    "dot_drop": ("dot", Drop()),
    "dot_hang": ("dot", Hang()),
    "dot_half_close": ("dot", HalfClose()),
    "dot_cut": ("dot", Drop(b"250 2.0")),
    "dot_garbage": ("dot", Raw(b"OK, thanks\r\n")),
    "dot_taken_drop": ("dot", Taken(Drop())),
    "dot_taken_hang": ("dot", Taken(Hang())),
    "dot_taken_cut": ("dot", Taken(Drop(b"250 2.0"))),
    "dot_taken_half_close": ("dot", Taken(HalfClose())),
    "dot_taken_garbage": ("dot", Taken(Raw(b"OK, thanks\r\n"))),
    "dot_taken_slow": ("dot", Taken(Drip("250 2.0.0 in a while", 60.0))),
    "multiline_greeting_554": ("greeting", "554 5.3.2 not you\n5.3.2 nor anybody\n5.3.2 today"),
    "multiline_mail_451": ("mail", "451 4.3.0 trouble\n4.3.0 with the disk"),
    "multiline_rcpt_550": ("rcpt", "550 5.1.1 no such user\n5.1.1 here"),
    "multiline_data_451": ("data", "451 4.3.0 not\n4.3.0 now"),
    "multiline_dot_554": ("dot", "554 5.7.1 content\n5.7.1 refused"),
    "multiline_dot_451": ("dot", "451 4.3.0 could\n4.3.0 not store"),
    "reply_199": ("mail", Raw(b"199 what\r\n")),
    "reply_bare_lf": ("mail", Raw(b"250-one\n250 two\n")),
    "reply_mixed_codes": ("mail", Raw(b"250-fine\r\n550 5.7.1 not fine\r\n")),
    "reply_not_ascii": ("mail", "451 4.3.0 sp\u00e4ter \u001b[31m<b>rot</b>"),
    "reply_oversize": ("mail", Raw(b"250 " + b"x" * 200_000 + b"\r\n")),
    "reply_endless": ("mail", Raw(b"250-more\r\n" * 20_000)),
}


def fault(name: str) -> Script:
    """A provider that always misbehaves in this one way."""
    phase, act = FAULTS[name]
    return Script().on(**{phase: act})


def at_random(shares: Mapping[str, float], seed: int) -> Script:
    """A provider that misbehaves in each named way in that share of the cases; the same seed gives the same cases."""
    unknown = shares.keys() - FAULTS.keys()
    if unknown:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
    chance = random.Random(seed)
    by_phase: dict[str, list[tuple[float, Act]]] = {}
    for name, share in shares.items():
        phase, act = FAULTS[name]
        by_phase.setdefault(phase, []).append((share, act))

    def roll(asked: Asked) -> Act:
        drawn = chance.random()
        for share, act in by_phase[asked.phase]:
            if drawn < share:
                return act
            drawn -= share
        return None

    return Script().on(**dict.fromkeys(by_phase, roll))
