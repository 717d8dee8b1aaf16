"""Both spellings of keys, and suggestions for unknown ones."""

import difflib
import re

_CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")


def camel(name: str) -> str:
    """`from_address` as `fromAddress`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def snake(name: str) -> str:
    """`fromAddress` as `from_address`; other spellings stay as they are."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda m: f"_{m[0].lower()}", name) if _CAMEL.fullmatch(name) else name


def fold(name: str) -> str:
    """A form that both spellings of a key have in common."""
    return name.replace("_", "").replace("-", "").replace(".", "").lower()


def spell_like(name: str, typed: str) -> str:
    """The known name in the spelling the operator used: camelCase unless the typed key has an underscore."""
    return name if "_" in typed else camel(name)


def nearest(typed: str, known: list[str]) -> str | None:
    """The known name most similar to `typed`, or None if none is similar."""
    folded = {fold(name): name for name in known}
    matches = difflib.get_close_matches(fold(typed)[:60], folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(typed: str, known: list[str], head: str = "") -> str:
    """`; did you mean x?`, or all known names if they are few, or nothing; `head` is put before each name."""
    if (name := nearest(typed, known)) is not None:
        return f"; did you mean {head}{name}?"
    return f"; known are {', '.join(head + name for name in known)}" if 0 < len(known) <= 12 else ""


def one_of(names: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
