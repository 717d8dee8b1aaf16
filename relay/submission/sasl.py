"""The AUTH mechanisms PLAIN (RFC 4616) and LOGIN as exchanges: a response in, a prompt or a login out.

Nothing is looked up or logged here. A response that cannot be decoded raises `BadCommand` with the reply.
"""

import binascii
from dataclasses import dataclass, field

from relay.submission import wording
from relay.submission.command import BadCommand

MECHANISMS = ("PLAIN", "LOGIN")
# The prompts LOGIN has always used, after 334: `Username:` and `Password:`.
_PROMPTS = (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n")
_EMPTY_PROMPT = b"334 \r\n"


@dataclass(frozen=True, slots=True)
class Login:
    """What a client claims. An empty user name stands for a login that cannot be right."""

    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class Exchange:
    """One AUTH command in progress."""

    mechanism: str
    _given: list[str] = field(default_factory=list, repr=False)

    def begin(self, initial: bytes) -> bytes | Login:
        """The first prompt, or the login if the initial response was complete."""
        if initial:
            return self.respond(initial)
        return _EMPTY_PROMPT if self.mechanism == "PLAIN" else _PROMPTS[0]

    def respond(self, response: bytes) -> bytes | Login:
        """The next prompt, or the login. Raises BadCommand."""
        if response == b"*":
            raise BadCommand(wording.AUTH_CANCELLED)
        decoded = _decode(response)
        if self.mechanism == "PLAIN":
            return _plain(decoded)
        try:
            self._given.append(decoded.decode())
        except UnicodeDecodeError:
            self._given.append("")  # stands for neither user nor password
        return Login(*self._given) if len(self._given) == 2 else _PROMPTS[1]


def _decode(response: bytes) -> bytes:
    if response == b"=":  # RFC 4954 §4: an empty initial response
        return b""
    try:
        return binascii.a2b_base64(response, strict_mode=True)
    except binascii.Error as error:
        raise BadCommand(wording.AUTH_SYNTAX) from error


def _plain(decoded: bytes) -> Login:
    """Decode `[authzid] NUL authcid NUL passwd`; acting for somebody else (authzid) is not supported."""
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
