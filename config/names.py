"""Keys in both spellings, and what an operator may have meant by one that is not known."""

import difflib
import re

_CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")


def camel(name: str) -> str:
    """`from_address` as `fromAddress`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def snake(name: str) -> str:
    """`fromAddress` as `from_address`; what is no camelCase stays."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda m: f"_{m[0].lower()}", name) if _CAMEL.fullmatch(name) else name


def fold(name: str) -> str:
    """What two spellings of one key have in common."""
    return name.replace("_", "").replace("-", "").replace(".", "").lower()


def spell_like(name: str, typed: str) -> str:
    """The known name in the spelling of what was typed: camelCase unless it has an underscore."""
    return name if "_" in typed else camel(name)


def nearest(typed: str, known: list[str]) -> str | None:
    """The known name most like `typed`, or None when none is."""
    folded = {fold(name): name for name in known}
    matches = difflib.get_close_matches(fold(typed)[:60], folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(typed: str, known: list[str], head: str = "") -> str:
    """`; did you mean x?`, or the known names when they are few, or nothing; `head` stands before each name."""
    if (name := nearest(typed, known)) is not None:
        return f"; did you mean {head}{name}?"
    return f"; known are {', '.join(head + name for name in known)}" if 0 < len(known) <= 12 else ""


def one_of(names: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
