r"""Plays an SMTP conversation written down as text against a live server.

    # the first comment is the claim the dialogue proves
    < 220                      the next reply begins so: its code, perhaps an enhanced code and words
    > EHLO agent.example.test  this line is sent, CRLF added
    + 250 PIPELINING           the reply just read also has a line that begins so …
    - 250 STARTTLS             … and none that begins so
    >> MAIL FROM:<a@b>\r\nX    exactly these octets, with Python's escapes, nothing added
    half-close                 we send no more
    closed                     the server ends the connection without another word

`{user}`, `{password}`, `{plain}` (the initial response of AUTH PLAIN) and `{address}` stand for
what the server under test lets in. A dialogue that does not go as written fails with its line,
what was wanted and what came.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client, Reply, plain

FOLDER = Path(__file__).parents[1] / "dialogues"
WORDS = {"user": USER, "password": PASSWORD, "plain": plain(USER, PASSWORD), "address": ADDRESS}


class Departure(AssertionError):
    """The conversation did not go as written."""


def dialogues(folder: Path = FOLDER) -> list[Path]:
    """Every dialogue there is."""
    return sorted(folder.rglob("*.txt"))


def play(path: Path, client: Client, words: Mapping[str, str] = WORDS) -> None:
    """Play one dialogue over a connection from which nothing has been read yet."""
    reply = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        action, _, rest = _filled(line, words).partition(" ")
        try:
            reply = _act(client, action, rest, reply)
        except (AssertionError, ConnectionError, TimeoutError, EOFError, ValueError) as wrong:
            raise Departure(f"{path.name}:{number}: {line}\n  {str(wrong) or type(wrong).__name__}") from wrong


def _filled(line: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        line = line.replace(f"{{{name}}}", value)
    return line


def _act(client: Client, action: str, rest: str, last: Reply | None) -> Reply | None:
    match action:
        case "" | "#":
            pass
        case ">":
            client.send(rest.encode() + b"\r\n")
        case ">>":
            client.send(rest.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1"))
        case "<":
            last = client.reply()
            assert _says(last.lines[-1], rest), f"wanted {rest!r}, and {last} came"
        case "+":
            assert _has(last, rest), f"no line {rest!r} in {last}"
        case "-":
            assert not _has(last, rest), f"a line {rest!r} in {last}"
        case "half-close":
            client.half_close()
        case "closed":
            assert client.is_closed(), "the connection is still open"
        case _:
            raise AssertionError(f"no such action: {action}")
    return last


def _has(reply: Reply | None, wanted: str) -> bool:
    return reply is not None and any(_says(line, wanted) for line in reply.lines)


def _says(line: str, wanted: str) -> bool:
    """Whether a reply line begins with these words; `250-` counts like `250 `."""
    got, words = line[:3].split() + line[4:].split(), wanted.split()
    return [word.upper() for word in got[: len(words)]] == [word.upper() for word in words]
