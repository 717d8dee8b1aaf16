"""How values are displayed: times, sizes, numbers and states, in the words of the trade.

Every state has a colour, a symbol and its word, never a colour alone. Times are relative; the exact time is
shown on hover and given to machines in `datetime`.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup, escape

_HUMP = re.compile("(?<=[a-z])[A-Z](?=[a-z])|(?<=[a-z])[A-Z]$")
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

# state: (tone, symbol). Tones are classes of the style sheet.
STATES: dict[str, tuple[str, str]] = {
    "delivered": ("good", "●"),
    "approved": ("good", "●"),
    "passed": ("good", "✓"),
    "valid": ("good", "✓"),
    "verified": ("good", "●"),
    "active": ("good", "●"),
    "ready": ("good", "●"),
    "closed": ("quiet", "●"),
    "resting": ("wait", "◐"),
    "recovering": ("wait", "◑"),
    "probing": ("wait", "◑"),
    "good": ("good", "●"),
    "queued": ("quiet", "○"),
    "scheduled": ("quiet", "◷"),
    "leaves": ("good", "●"),
    "waits": ("wait", "◐"),
    "sending": ("quiet", "◔"),
    "pending": ("wait", "◐"),
    "deferred": ("wait", "◐"),
    "uncertain": ("wait", "◑"),
    "warned": ("wait", "▲"),
    "warn": ("wait", "▲"),
    "shadowed": ("quiet", "◌"),
    "skipped": ("quiet", "–"),
    "unknown": ("quiet", "?"),
    "held": ("hold", "◆"),
    "review": ("hold", "◆"),
    "half_open": ("wait", "◑"),
    "paused": ("wait", "‖"),
    "pause": ("stop", "■"),
    "open": ("wait", "◐"),
    "blocked": ("stop", "■"),
    "bounced": ("stop", "▼"),
    "complained": ("stop", "▼"),
    "expired": ("stop", "▼"),
    "rejected": ("stop", "■"),
    "failed": ("stop", "✕"),
    "error": ("stop", "✕"),
    "missing": ("stop", "✕"),
    "wrong": ("stop", "✕"),
    "revoked": ("quiet", "○"),
    "cancelled": ("quiet", "○"),
    "withdrawn": ("quiet", "○"),
    "disabled": ("quiet", "○"),
    "unconfigured": ("quiet", "○"),
}

_SPANS = {"h": "hours", "d": "days"}

# For words with two meanings in different tables: an active delivery is just being sent, a breaker is open.
_DELIVERY = {"active": "sending"}


def state(word: str, kind: str = "", label: str = "") -> Markup:
    """A state as symbol and word."""
    known = _DELIVERY.get(word, word) if kind == "delivery" else word
    tone, glyph = STATES.get(known, ("quiet", "○"))
    shown = label or known.replace("_", " ")
    return Markup('<span class="state {}"><i aria-hidden="true">{}</i> {}</span>').format(tone, glyph, shown)


def tone(word: str) -> str:
    """The tone of a state."""
    return STATES.get(word, ("quiet", ""))[0]


def millis(value: Any) -> int:
    """A time of the store or of the API as milliseconds; 0 for never."""
    if not value:
        return 0
    if isinstance(value, str):
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    return int(value)


def exact(value: Any) -> str:
    """`2026-11-23 14:02:11 UTC`."""
    return datetime.fromtimestamp(millis(value) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(value: Any) -> str:
    """`2026-11-23T14:02:11Z`, for machines."""
    return datetime.fromtimestamp(millis(value) / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def clock(value: Any) -> str:
    """`14:02:11`."""
    return datetime.fromtimestamp(millis(value) / 1000, UTC).strftime("%H:%M:%S")


def day(value: Any) -> str:
    """`23 Nov 2026`."""
    return datetime.fromtimestamp(millis(value) / 1000, UTC).strftime("%-d %b %Y")


def distance(span: int) -> str:
    """A span of time in its largest unit: `now`, `2 min`, `3 h`, `12 d`."""
    span = abs(span)
    if span < 10 * SECOND:
        return "now"
    if span < MINUTE:
        return f"{span // SECOND} s"
    if span < HOUR:
        return f"{span // MINUTE} min"
    return f"{span // HOUR} h" if span < 2 * DAY else f"{span // DAY} d"


def ago(value: Any, now: int, *, sentence: bool = False) -> Markup:
    """A relative time, with the exact one on hover: `3 h` in a column of past times, `3 h ago` in a sentence."""
    at = millis(value)
    if not at:
        return Markup('<span class="muted">never</span>')
    words, mark = distance(now - at), Markup(" data-sentence") if sentence else ""
    if at > now + 10 * SECOND:
        words = f"in {words}"
    elif sentence:
        words = "just now" if words == "now" else f"{words} ago"
    return Markup('<time datetime="{}" title="{}" data-at="{}"{}>{}</time>').format(iso(at), exact(at), at, mark, words)


def lasted(span: int | None) -> str:
    """A duration: `12 ms`, `1.4 s`, `2 min 5 s`."""
    if span is None:
        return ""
    if span < SECOND:
        return f"{span} ms"
    if span < MINUTE:
        return f"{span / SECOND:.1f} s"
    if span < HOUR:
        return f"{span // MINUTE} min {span % MINUTE // SECOND} s"
    return distance(span)


def span(name: str) -> str:
    """`30 days` for `30d`, `November 2026` for `2026-11`."""
    if "-" in name:
        return date.fromisoformat(f"{name}-01").strftime("%B %Y")
    return f"{name[:-1]} {_SPANS[name[-1]]}" if name[-1] in _SPANS else name


def number(value: Any) -> str:
    """`12,408`."""
    return "–" if value is None else f"{int(value):,}"


def money(value: float) -> str:
    """`6,098.00`."""
    return f"{value:,.2f}"


def percent(value: float, digits: int = 2) -> str:
    """`1.25 %`."""
    return f"{value:.{digits}f} %"


def size(octets: int) -> str:
    """`4.2 KiB`."""
    if octets < 1024:
        return f"{octets} B"
    return f"{octets / 1024:.1f} KiB" if octets < 1 << 20 else f"{octets / (1 << 20):.1f} MiB"


def spoken(name: str) -> str:
    """`rate_limit_hourly` as `rate limit hourly`, `feedbackType` as `feedback type`."""
    return _HUMP.sub(lambda hump: f" {hump[0].lower()}", name.replace("_", " "))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def printable(text: Any) -> Markup:
    """Text from outside with invisible characters made visible: control characters and direction marks."""
    shown = "".join(_visible(c) for c in str(text))
    return Markup(escape(shown))  # noqa: S704 - escaped in this line


def foldable(address: str) -> Markup:
    """An address that may be broken after its @, where a reader would."""
    return printable(address).replace("@", Markup("@<wbr>"))


def _visible(c: str) -> str:
    if c >= " " and not (0x7F <= ord(c) < 0xA0) and c not in _TURNING:
        return c
    return c if c in "\n\t" else f"\\u{ord(c):04x}"


_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")
