"""Every message of the corpora: read without failing, and either carrying the footer as it must or saying why not."""

from collections import Counter
from pathlib import Path

from relay.mail.mime import view
from relay.mail.text import content
from tests.corpora import CORPORA, needs_corpora
from tests.mail.oracle import add_footer, assert_shown_once

pytestmark = needs_corpora
_NO_MESSAGES = {".json", ".py", ".md", ".tiff", ".tsv"}


def corpus() -> list[Path]:
    folders = (CORPORA / "mime", CORPORA / "bounces" / "maildir", CORPORA / "classification")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in files if path.suffix not in _NO_MESSAGES]


def normalised(path: Path) -> bytes:
    """The file as it would arrive by SMTP."""
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def test_m11_every_message_is_read():
    for path in corpus():
        content(view(path.read_bytes()))


def test_m11_every_message_shows_the_footer_once_or_says_why_it_cannot():
    outcomes: Counter[str] = Counter()
    for path in corpus():
        data = normalised(path)
        seen = view(data)
        try:
            _, planned, result = add_footer(data)
        except ValueError as impossible:
            outcomes[str(impossible)] += 1
            continue
        outcomes["carried" if planned.carried else "added"] += 1
        if (
            not seen.ambiguities and not seen.header.faults
        ):  # what readers read differently is held, never sent as it is
            assert_shown_once(data, result)
    print(outcomes)
    assert outcomes["added"] > 0.9 * outcomes.total()
