"""PLAIN (RFC 4616) and LOGIN, as exchanges of responses: bytes in, a prompt or a login out.

Nothing is looked up here and nothing is logged; what cannot be decoded raises `BadCommand`
with the reply.
"""

import binascii
from dataclasses import dataclass, field

from relay.submission import wording
from relay.submission.command import BadCommand

MECHANISMS = ("PLAIN", "LOGIN")
# 334 with the words LOGIN has always had: `Username:` and `Password:`.
_PROMPTS = (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n")
_EMPTY_PROMPT = b"334 \r\n"


@dataclass(frozen=True, slots=True)
class Login:
    """What a client claims. An empty user stands for a login that cannot be right."""

    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class Exchange:
    """One AUTH command on its way."""

    mechanism: str
    _given: list[str] = field(default_factory=list, repr=False)

    def begin(self, initial: bytes) -> bytes | Login:
        """The first prompt, or the login if the initial response held all of it."""
        if initial:
            return self.respond(initial)
        return _EMPTY_PROMPT if self.mechanism == "PLAIN" else _PROMPTS[0]

    def respond(self, response: bytes) -> bytes | Login:
        """The next prompt or the login; raises BadCommand."""
        if response == b"*":
            raise BadCommand(wording.AUTH_CANCELLED)
        decoded = _decode(response)
        if self.mechanism == "PLAIN":
            return _plain(decoded)
        try:
            self._given.append(decoded.decode())
        except UnicodeDecodeError:
            self._given.append("")  # no user and no password is spelt so
        return Login(*self._given) if len(self._given) == 2 else _PROMPTS[1]


def _decode(response: bytes) -> bytes:
    if response == b"=":  # RFC 4954 §4: an initial response of no length
        return b""
    try:
        return binascii.a2b_base64(response, strict_mode=True)
    except binascii.Error as error:
        raise BadCommand(wording.AUTH_SYNTAX) from error


def _plain(decoded: bytes) -> Login:
    """`[authzid] NUL authcid NUL passwd`; nobody here may act for somebody else."""
    parts = decoded.split(b"\0")
    if len(parts) != 3:
        raise BadCommand(wording.AUTH_SYNTAX)
    authorised, user, password = parts
    if authorised not in (b"", user):
        return Login()
    try:
        return Login(user.decode(), password.decode())
    except UnicodeDecodeError:
        return Login()
