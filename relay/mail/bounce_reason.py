"""Derives from what the servers said why a delivery failed: one reason, and whether it is hard.

Phrases take precedence over codes, since codes are wrong more often than words. Only what is certain counts
as hard. A temporary code, a refusal of the sender or the content, or a user «unknown» only after the content
was seen never suppresses anybody.
"""

import re
from functools import lru_cache

from msgspec import Struct

from relay.mail.bounce_rules import BROAD, CATEGORIES, CERTAIN, HARD, OF_RCPT, OWN, PHRASES, REPLY, STATUS, VAGUE
from relay.mail.reply import EnhancedCode

MAX_TEXT = 4_000
_GAP = 90
_TRIES = 4
_WORD_STARTS = re.compile(r"(?<![^\W_])(?=(..))", re.DOTALL)  # as in `_at_word`: no letter or digit before it


class Said(Struct, frozen=True):
    """What is known of one refusal; unknown fields are empty."""

    diagnostic: str = ""  # the server's own words
    context: str = ""  # what the reporting system wrote around the server's words
    status: str = ""  # 5.1.1
    reply_code: str = ""  # 550
    command: str = ""  # CONN, EHLO, MAIL, RCPT, DATA
    action: str = ""  # failed, delayed, …
    host: str = ""  # the server that refused
    comment: str = ""  # the comment in brackets after the status
    category: str = ""  # the reporting system's own classification


class Judgement(Struct, frozen=True):
    reason: str
    hard: bool


def judge(said: Said) -> Judgement:
    """The reason, in the usual bounce vocabulary, and whether the address is dead."""
    reason = _reason(said)
    for_now = said.status.startswith("4") or said.reply_code.startswith("4") or said.action == "delayed"
    if for_now and reason == "hostunknown":
        reason = "networkerror"  # RFC 3463 §2: class 4 may pass in time, and name servers recover
    if reason == "userunknown" and said.status == "4.1.1" and said.action == "failed":
        for_now = False  # Postfix's unknown_local_recipient_reject_code = 450: its sender gave up after days of it
    permanent = said.status.startswith("5") or said.reply_code.startswith("5") or not said.status
    return Judgement(reason, not for_now and (reason in HARD or (reason == "notaccept" and permanent)))


def is_recipients(reason: str, status: str) -> bool:
    """Whether a failure that is not hard is due to the recipient and not to the message, the sender or a server.

    If the words do not say, a temporary code counts as the recipient's, as it does when our own SMTP client
    gets it.
    """
    code = EnhancedCode.parse(status)
    return reason in OWN or (reason in _UNSAID and code is not None and code[0] == 4 and code.is_recipients)


def _reason(said: Said) -> str:
    text = flat(f"{said.diagnostic} {said.comment}" if said.diagnostic else said.context)
    detail = said.status.partition(".")[2]
    coded = _coded(STATUS.get(detail, ""), said)
    reason = phrased(text) or CATEGORIES.get(said.category, "")
    if coded and detail not in BROAD and _beats(coded, reason):
        reason = coded
    if said.action == "delayed" and not reason:
        reason = phrased(flat(said.context)) or "expired"
    reason = reason or phrased(text, vague=True) or coded or phrased(flat(said.context))
    reason = reason or REPLY.get(said.reply_code, "")
    if not reason and said.command in {"CONN", "EHLO"}:
        return "blocked"
    return _in_place(reason, text, said) if reason else "undefined"


def _coded(reason: str, said: Said) -> str:
    """The reason by the codes; a refusal for «security» without explanation, after DATA, is about the message."""
    return "policyviolation" if reason == "securityerror" and said.command == "DATA" else reason


def _beats(coded: str, reason: str) -> bool:
    """Whether a precise code takes precedence over the words."""
    if reason == "blocked" and (coded in HARD or coded in {"expired", "networkerror"}):
        return False  # contradictory evidence never suppresses
    return not reason or reason in _LOOSE or (reason, coded) in _OVERRULED


_UNSAID = frozenset({"", "undefined", "filtered", "onhold"})  # these do not say whose failure it is

# Reasons whose phrases are broad, so that a precise code takes precedence over them.
_LOOSE = frozenset({"systemerror", "expired", "blocked", "syntaxerror"})
_OVERRULED = frozenset({("mesgtoobig", "exceedlimit"), ("userunknown", "hasmoved"), ("exceedlimit", "mesgtoobig")})


def _in_place(reason: str, text: str, said: Said) -> str:
    """The reason adjusted for the command: the same words mean different things at different commands."""
    if reason == "userunknown":
        return _unknown(text, said)
    if reason == "hostunknown":
        return _unreachable(text, said)
    if reason == "notaccept" and not any(word in text for word in _WHOLE_DOMAIN):
        return "filtered"  # one mailbox, not the whole domain
    if reason == "filtered" and text.rstrip(". ").endswith(("recipient address rejected", "5.1.0 address rejected")):
        return "userunknown" if said.command == "RCPT" or said.status.endswith(".1.0") else reason
    if reason in {"securityerror", "systemerror"} and said.command in {"CONN", "EHLO"}:
        return "blocked"
    return "rejected" if said.command == "MAIL" and reason == "securityerror" else reason


_WHOLE_DOMAIN = ("domain", "host", "mx", "mail server", "mail exchanger")


def _unreachable(text: str, said: Said) -> str:
    """The reason for a domain that does not exist: hostunknown only if it is the recipient's, not the
    sender's or ours.
    """
    if said.command in {"CONN", "EHLO"}:
        return "blocked"
    about_us = said.command in {"MAIL", "DATA"} or (said.diagnostic and _about_the_sender(text))
    return "rejected" if about_us or ".7." in said.status else "hostunknown"


def _unknown(text: str, said: Said) -> str:
    """The reason for «unknown user». Some servers say that of mail they dislike, after seeing its content."""
    if said.status.partition(".")[2] in {"1.1", "1.10", "1.0", "1.3"}:
        return "userunknown"
    if " 550 : user unknown" in f" {text}":  # au (KDDI), after the content; with the address in front it is true
        return "filtered"
    if said.diagnostic and _about_the_sender(text):
        return "rejected"
    if ".7." in said.status:
        return "filtered"  # a policy refusal, whatever its words
    # A reply that begins with the address is one to RCPT.
    if (
        _certain(text)
        or _certain(flat(said.context))
        or (said.diagnostic and text[3:5] == " <" and ">: user unknown" in text)
    ):
        return "userunknown"
    if said.command == "DATA" and said.host.endswith("docomo.ne.jp"):
        return "filtered" if said.status.endswith(".2.0") else "rejected"  # its users choose from whom they accept mail
    if said.command in {"DATA", "MAIL", "EHLO", "CONN"}:
        return {"DATA": "filtered", "MAIL": "rejected"}.get(said.command, "blocked")
    if said.command == "RCPT" or any(words in f" {text}" for words in OF_RCPT):
        return "userunknown"
    # If nothing tells at which command it was said, only a code about the address proves it; 5.2.1: mailbox disabled.
    return "suspend" if said.status.endswith(".2.1") else "filtered"


def _about_the_sender(reply: str) -> bool:
    return any(word in reply for word in ("sender", "mail from", "helo", "ehlo", "return path", "return-path"))


def _certain(text: str) -> bool:
    padded = f" {text} "
    return any(words in padded for words in CERTAIN)


@lru_cache(maxsize=64)
def phrased(words: str, *, vague: bool = False) -> str:
    """The reason of the first phrase found; empty if there is none."""
    table = VAGUE if vague else PHRASES
    starts = set(_WORD_STARTS.findall(words))
    candidates = [row for start in starts for row in table.get(start, ()) if row[1][0] in words]
    candidates.sort()
    return next((reason for _, pieces, reason in candidates if _holds(words, pieces)), "")


@lru_cache(maxsize=64)  # the same text is asked for with every recipient of a report
def flat(text: str) -> str:
    """Lower case, single blanks, without the codes of continuation lines (`550-5.7.1`)."""
    words = text[:MAX_TEXT].lower().replace("’", "'").split()
    return " ".join(word for word in words if not _is_continuation(word))


def _is_continuation(word: str) -> bool:
    rest = word[4:].replace(".", "")
    return word[:3].isdecimal() and word[3:4] == "-" and (not rest or rest.isdecimal())


def _holds(words: str, pieces: tuple[str, ...]) -> bool:
    """Whether the pieces follow one another, each at the start of a word and soon after the previous one."""
    start = _at_word(words, pieces[0], 0, len(words))
    for _ in range(_TRIES):
        if start < 0 or _follows(words, pieces[1:], start + len(pieces[0])):
            break
        start = _at_word(words, pieces[0], start + 1, len(words))
    else:
        return False
    return start >= 0


def _follows(words: str, pieces: tuple[str, ...], end: int) -> bool:
    for piece in pieces:
        place = _at_word(words, piece, end, end + _GAP + len(piece))
        if place < 0:
            return False
        end = place + len(piece)
    return True


def _at_word(words: str, piece: str, start: int, end: int) -> int:
    place = words.find(piece, start, end)
    while place > 0 and words[place - 1].isalnum():
        place = words.find(piece, place + 1, end)
    return place
