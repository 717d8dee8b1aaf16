"""The greeting, the answer to EHLO, and the name a client gives itself.

That name is never a reason for a refusal unless it is not text at all: clients send anything, such as brackets, bare
words or file names. Only a host name or an address literal is passed on. No reply reveals a version.
"""

import re

from relay.submission.terms import Terms

NAME_LIMIT = 255  # RFC 5321 §4.5.3.1.2
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?")
_LITERAL = re.compile(r"\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\]")


class Greeting:
    """Everything a listener says before a message; made once for each listener."""

    __slots__ = ("banner", "helo", "in_clear", "over_tls")

    def __init__(self, terms: Terms) -> None:
        host = terms.hostname.encode("ascii")
        self.banner = b"220 " + host + b" ESMTP\r\n"
        self.helo = b"250 " + host + b"\r\n"
        self.in_clear = _ehlo(host, terms, auth=terms.plaintext_auth, starttls=terms.tls == "starttls")
        self.over_tls = _ehlo(host, terms, auth=True, starttls=False)


def _ehlo(host: bytes, terms: Terms, *, auth: bool, starttls: bool) -> bytes:
    offers = [host, b"SIZE %d" % terms.max_message_size, b"8BITMIME", b"SMTPUTF8", b"PIPELINING"]
    if starttls:
        offers.append(b"STARTTLS")
    if auth:
        offers.append(b"AUTH PLAIN LOGIN")
    offers.append(b"LIMITS RCPTMAX=%d" % terms.max_recipients)  # RFC 9422
    offers.append(b"ENHANCEDSTATUSCODES")
    return b"".join(b"250-%s\r\n" % offer for offer in offers[:-1]) + b"250 " + offers[-1] + b"\r\n"


def repeatable(name: str) -> str:
    """The name if it is a host name or an address literal, else "": it would appear in Received and in the log."""
    return name if _HOST.fullmatch(name) or _LITERAL.fullmatch(name) else ""
