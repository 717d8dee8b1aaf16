"""The code blocks of a page, by the heading above them."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the headings it stands under, outermost first, its language and its text."""

    headings: tuple[str, ...]
    language: str
    text: str


def blocks(name: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    found: list[Block] = []
    headings: list[str] = []
    inside: list[str] | None = None
    language = ""
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if line.startswith("```"):
            if inside is None:
                inside, language = [], line[3:].strip()
            else:
                found.append(Block(tuple(headings), language, "\n".join(inside) + "\n"))
                inside = None
        elif inside is not None:
            inside.append(line)
        elif line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            headings = [*headings[: level - 1], line.lstrip("# ")]
    assert inside is None, f"{name}: a block does not end"
    return found


def under(name: str, heading: str, language: str) -> list[str]:
    """The blocks of one language whose innermost heading is this one."""
    chosen = [b.text for b in blocks(name) if b.headings[-1:] == (heading,) and b.language == language]
    assert chosen, f"{name} has no {language} under {heading!r}"
    return chosen
