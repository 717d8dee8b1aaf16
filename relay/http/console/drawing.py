"""Small drawings as SVG, made here: sparklines, meters, stacked bars and waterfalls.

Every attribute is a number or a class of the style sheet: nothing of what is drawn can
become markup, and no inline style is needed. A drawing that says something has a title.
"""

from collections.abc import Sequence

from markupsafe import Markup


def sparkline(values: Sequence[float], title: str, width: int = 120, height: int = 28) -> Markup:
    """A line over time, zero based, with its last point marked."""
    most = max([*values, 0]) or 1
    step = (width - 4) / max(1, len(values) - 1)
    points = [(2 + i * step, height - 3 - (height - 6) * v / most) for i, v in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"2,{height - 1} {line} {points[-1][0]:.1f},{height - 1}" if points else ""
    x, y = points[-1] if points else (0.0, 0.0)
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" preserveAspectRatio="none">'
        '<title>{}</title><polygon points="{}"/><polyline points="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="2"/></svg>'
    ).format(width, height, width, height, title, area, line, x, y)


def meter(current: float, limit: float | None, title: str = "", width: int = 120) -> Markup:
    """How much of a limit is used; it turns amber at 80 % and red when it is full."""
    share = 0.0 if not limit else min(1.0, max(0.0, current / limit))
    if limit == 0:
        share = 1.0
    tone = "stop" if limit is not None and current >= limit else "wait" if share >= 0.8 else "good"
    return Markup(
        '<svg class="meter {}" viewBox="0 0 {} 6" width="{}" height="6" role="img" preserveAspectRatio="none">'
        '<title>{}</title><rect class="track" width="{}" height="6" rx="3"/>'
        '<rect class="fill" width="{:.1f}" height="6" rx="3"/></svg>'
    ).format(tone, width, width, title, width, share * width)


def bar(parts: Sequence[tuple[str, float]], title: str, width: int = 120) -> Markup:
    """Parts of a whole side by side: (tone, value)."""
    whole = sum(value for _, value in parts) or 1
    x, pieces = 0.0, []
    for tone, value in parts:
        wide = width * value / whole
        if value:
            wide = max(wide, 1.5)
            pieces.append(Markup('<rect class="{}" x="{:.1f}" width="{:.1f}" height="6"/>').format(tone, x, wide))
        x += wide
    return Markup(
        '<svg class="bar" viewBox="0 0 {} 6" width="{}" height="6" role="img" preserveAspectRatio="none">'
        "<title>{}</title>{}</svg>"
    ).format(width, width, title, Markup("").join(pieces))


def waterfall(terms: Sequence[tuple[str, float, str]], total: int) -> Markup:
    """From 100 down to a score: (name, points taken, words)."""
    row, label, scale = 28, 92, 3.2
    left, rows = 100.0, []
    for index, (name, points, words) in enumerate(terms):
        y = (index + 1) * row
        after = max(0.0, left - points)
        rows.append(_step(y, name, after, left - after, "taken" if points else "none", words, label, scale))
        left = after
    begin = _step(0, "begins at", 0, 100, "begin", "100", label, scale)
    end = _step((len(terms) + 1) * row, "score", 0, float(total), "total", str(total), label, scale)
    height = (len(terms) + 2) * row
    width = label + 100 * scale + 60
    return Markup('<svg class="waterfall" viewBox="0 0 {:.0f} {}" role="img"><title>The score</title>{}</svg>').format(
        width, height, Markup("").join([begin, *rows, end])
    )


def _step(y: int, name: str, start: float, wide: float, kind: str, words: str, label: int, scale: float) -> Markup:
    return Markup(
        '<text x="0" y="{}" class="name">{}</text>'
        '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="16" rx="2"/>'
        '<text x="{:.1f}" y="{}" class="value">{}</text>'
    ).format(
        y + 18, name, kind, label + start * scale, y + 6, max(1.0, wide * scale),
        label + (start + wide) * scale + 8, y + 18, words,
    )  # fmt: skip
