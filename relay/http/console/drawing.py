"""Small drawings as SVG: sparklines, meters, stacked bars and waterfalls.

Every attribute is a number or a class of the style sheet, so nothing that is drawn can become markup and no
inline style is needed. A drawing that conveys information has a title.
"""

from collections.abc import Sequence

from markupsafe import Markup


def sparkline(values: Sequence[float], title: str, width: int = 120, height: int = 28) -> Markup:
    """A line over time, from zero up, with its last point marked."""
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
    """How much of a limit is used; amber from 80 %, red when it is full."""
    share = 0.0 if not limit else min(1.0, max(0.0, current / limit))
    if limit == 0:
        share = 1.0
    tone = "stop" if limit is not None and current >= limit else "wait" if share >= 0.8 else "good"
    return Markup(
        '<svg class="meter {}" viewBox="0 0 {} 6" width="{}" height="6" role="img" preserveAspectRatio="none">'
        '<title>{}</title><rect class="track" width="{}" height="6"/>'
        '<rect class="fill" width="{:.1f}" height="6"/></svg>'
    ).format(tone, width, width, title, width, share * width)


def bar(parts: Sequence[tuple[str, float]], title: str, width: int = 120) -> Markup:
    """The parts of a whole side by side, each as (tone, value)."""
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


def sides(left: float, right: float, most: float) -> Markup:
    """Two amounts back to back: what would be stopped on the left, what would be let through on the right."""
    scale = 60 / (most or 1)
    return Markup(
        '<svg class="sides" viewBox="0 0 120 6" width="120" height="6" aria-hidden="true" preserveAspectRatio="none">'
        '<rect class="stop" x="{:.1f}" width="{:.1f}" height="6"/><rect class="good" x="60" width="{:.1f}" height="6"/>'
        '<rect class="axis" x="59.5" width="1" height="6"/></svg>'
    ).format(60 - left * scale, left * scale, right * scale)


def waterfall(terms: Sequence[tuple[str, float, str]], total: int) -> Markup:
    """The way from 100 down to a score: (name, points taken, words). Each term is a row of its own, so that
    text keeps its size.
    """
    left, rows = 100.0, [_step("begins at", 0, 100, "begin", "100")]
    for name, points, words in terms:
        after = max(0.0, left - points)
        rows.append(_step(name, after, left - after, "taken" if points else "none", words))
        left = after
    rows.append(_step("score", 0, float(total), "total", str(total)))
    return Markup('<dl class="waterfall">{}</dl>').format(Markup("").join(rows))


def _step(name: str, start: float, wide: float, kind: str, words: str) -> Markup:
    return Markup(
        '<div><dt>{}</dt><dd class="drawn"><svg viewBox="0 0 100 16" height="16" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect class="{}" x="{:.1f}" width="{:.1f}" height="16"/></svg></dd><dd>{}</dd></div>'
    ).format(name, kind, min(start, 99.5), max(0.5, wide), words)
