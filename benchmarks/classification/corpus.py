"""Reads the labelled mail and determines which half is set aside.

The half of a message depends on its body's bytes alone, so that adding, renaming or relabelling messages moves
none to the other half. The half set aside is measured and never used for tuning.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policy.content import Content
from relay.mail.mime import view
from relay.mail.text import content

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "classification"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One message with its label; group and language are used only in the report."""

    id: str
    data: bytes
    label: str
    group: str
    language: str

    @property
    def half(self) -> str:
        """`tune` or `set-aside`."""
        return half_of(self.data)


def half_of(data: bytes) -> str:
    """The half a message belongs to, by a stable hash of its body."""
    body = data.partition(b"\r\n\r\n")[2]
    return "set-aside" if hashlib.blake2b(body, digest_size=1).digest()[0] & 1 else "tune"


def labelled(corpus: Path = CORPUS) -> Iterator[Labelled]:
    """Every message of the corpus. Raises FileNotFoundError if there is no corpus."""
    with (corpus / "labels.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            data = (corpus / row["path"]).read_bytes()
            yield Labelled(row["id"], data, row["label"], row["group"], row["language"])


def shown(data: bytes) -> Content:
    """The content of the message as the relay would judge it."""
    return content(view(data))
