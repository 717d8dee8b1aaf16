"""What every rule has: whether it binds, and the bounds of its numbers."""

from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["enforce", "warn", "shadow", "off"]


def bounded(default: Any, least: float = 0, most: float | None = None) -> Any:
    """A number with its bounds, which the loader of the configuration holds."""
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Rule:
    # enforce: a failure blocks or holds the message. warn: it passes, the trace says
    # warned. shadow: it passes and nobody is told, for trying a rule on live traffic.
    # off: not evaluated.
    mode: Mode = "enforce"
