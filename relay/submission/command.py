"""Parses the arguments of MAIL and RCPT: the path, verbatim, and the parameters of the extensions we announce.

An argument that violates RFC 5321 raises `BadCommand` with the reply to give. Whether the path is a valid
address is judged by `relay.mail.address`. Takes time linear in the length of the line.
"""

import re

from msgspec import Struct

from relay.submission import wording

# A path is enclosed in angle brackets; a quoted local part in it may contain some as well (RFC 5321 §4.1.2).
_PATH = re.compile(r'<(?:[^<>"]|"(?:[^"\\]|\\.)*")*>')
_SIZE = re.compile(r"[0-9]{1,20}")


class BadCommand(Exception):
    """A command that cannot be carried out; `reply` is the line to answer with."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply)
        self.reply = reply


class MailCommand(Struct, frozen=True):
    """MAIL FROM. `path` is empty for the null sender; `size` is 0 if it was not declared."""

    path: str
    size: int = 0
    smtputf8: bool = False


def read_mail(argument: str, *, extended: bool) -> MailCommand:
    """Parse `FROM:<path> [parameters]`; after HELO no parameters are allowed (RFC 5321 §2.2.1)."""
    path, rest = _split(argument, "FROM:", wording.BAD_MAIL)
    if path == "<>":
        path = ""
    if not rest:
        return MailCommand(path)
    if not extended:
        raise BadCommand(wording.UNKNOWN_PARAMETER)
    return _with_parameters(path, rest)


def read_rcpt(argument: str) -> str:
    """Parse `TO:<path>`; we announce no extension with RCPT parameters (such as NOTIFY and ORCPT of RFC 3461)."""
    path, rest = _split(argument, "TO:", wording.BAD_RCPT)
    if rest:
        raise BadCommand(wording.UNKNOWN_PARAMETER)
    return path


def _split(argument: str, keyword: str, complaint: bytes) -> tuple[str, str]:
    if argument[: len(keyword)].upper() != keyword:
        raise BadCommand(complaint)
    argument = argument[len(keyword) :].lstrip(" ")
    found = _PATH.match(argument)
    if found is None:
        raise BadCommand(complaint)
    rest = argument[found.end() :]
    if rest and rest[0] != " ":
        raise BadCommand(complaint)
    return found[0], rest.strip(" ")


def _with_parameters(path: str, rest: str) -> MailCommand:
    size, smtputf8 = 0, False
    seen: set[str] = set()
    for parameter in rest.split():
        name, _, value = parameter.partition("=")
        name = name.upper()
        if name in seen:
            raise BadCommand(wording.BAD_PARAMETER)
        seen.add(name)
        match name:
            case "SIZE":
                size = _size(value)
            case "SMTPUTF8":
                smtputf8 = _flag(parameter)
            case "BODY":
                _body(value)
            case "AUTH":
                pass  # RFC 4954 §5: accepted wherever AUTH is announced; ignored, since we know who authenticated
            case _:
                raise BadCommand(wording.UNKNOWN_PARAMETER)
    return MailCommand(path, size, smtputf8)


def _size(value: str) -> int:
    # ASCII digits only: int() raises for `²` but accepts `١` as 1.
    if not _SIZE.fullmatch(value):
        raise BadCommand(wording.BAD_PARAMETER)
    return int(value)


def _flag(parameter: str) -> bool:
    if "=" in parameter:
        raise BadCommand(wording.BAD_PARAMETER)
    return True


def _body(value: str) -> None:
    if value.upper() not in ("7BIT", "8BITMIME"):  # RFC 6152; BINARYMIME (RFC 3030) is not announced
        raise BadCommand(wording.BAD_PARAMETER)
