"""Text keeps 4.5 : 1 on every ground it can stand on, light and dark (WCAG 2.2 §1.4.3)."""

import re
from itertools import product

import pytest

from relay.http.console.render import STATIC

TOKENS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(
        r"--(\w[\w-]*): light-dark\((#\w{6}), (#\w{6})\)", (STATIC / "tokens.css").read_text()
    )
}
GROUNDS = ("ground", "panel", "sunk", "pick", "added", "removed")
INKS = ("ink", "muted", "accent", "good", "wait", "stop", "hold")


def luminance(colour: str) -> float:
    """WCAG 2.2, «relative luminance»."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, «contrast ratio»."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible(scheme):
    for ink, ground in product(INKS, GROUNDS):
        assert contrast(TOKENS[ink][scheme], TOKENS[ground][scheme]) >= 4.5, (ink, ground)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_primary_button_is_legible(scheme):
    assert contrast(TOKENS["on-accent"][scheme], TOKENS["accent"][scheme]) >= 4.5
