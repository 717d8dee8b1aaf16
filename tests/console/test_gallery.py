"""Every screen of a well-used installation, on a desk and on a phone: nothing overflows, breaks or fails to load.

In both schemes and five widths with GATEPOST_GALLERY=FOLDER, each photographed there, to be looked at, and with
GATEPOST_AXE=axe.min.js (npm's axe-core), each looked at by axe.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.browser import Desk
from tests.console.sample import Sample

pytestmark = pytest.mark.needs("chromium")
FOLDER = os.environ.get("GATEPOST_GALLERY", "")
# A chart is drawn anew a moment after its box has changed.
DRAWN = """() => [...document.querySelectorAll("[data-chart]")].every(
    (box) => Math.abs(box.querySelector(".uplot").offsetWidth - box.clientWidth) < 2)"""
AXE = Path(os.environ["GATEPOST_AXE"]).read_text("utf-8") if os.environ.get("GATEPOST_AXE") else ""
# Who hears the buttons of a page in a list has to know which does what (WCAG 2.4.9).
ALIKE = """() => {
  const acts = {};
  for (const button of document.querySelectorAll("main button:not([hidden])")) {
    const name = (button.ariaLabel ?? button.textContent).trim();
    (acts[name] ??= new Set()).add(button.form?.action ?? button.dataset.copy);
  }
  return Object.keys(acts).filter((name) => acts[name].size > 1);
}"""
# 320 is where nothing may need a second direction to scroll in (WCAG 2.2, 1.4.10).
HEIGHTS = {1360: 900, 900: 900, 620: 900, 390: 844, 320: 844} if FOLDER or AXE else {1360: 900, 320: 844}
SCHEMES = ["light", "dark"] if FOLDER or AXE else ["light"]  # colours have tests of their own
# WCAG 2.2 AA; a message's own HTML stands in a frame of its own and is not ours.
LOOK = """async () => (await axe.run({exclude: [["iframe"]]},
    {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}))
    .violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.target).join(", ")}`)"""


def screens(sample: Sample) -> Iterator[tuple[str, str]]:
    """The name and address of every screen, its details and its empty states."""
    yield from ((path.strip("/").replace("/", "-") or "overview", path) for path in _PLAIN)
    for name in ("failed-over", "bounced", "deferred", "uncertain", "several", "html", "scheduled"):
        yield f"timeline-{name}", f"/messages/{sample.sent[name]}?tab=timeline"
    for name in ("suppressed", "html", "several"):
        yield f"decision-{name}", f"/messages/{sample.sent[name]}?tab=decision"
    for face in ("rendered", "text", "headers", "source", "diff"):
        yield f"message-{face}", f"/messages/{sample.sent['html']}?tab=message&face={face}"
    yield "approval", f"/approvals/{sample.sent['held-1']}"
    yield "search-bounced", "/messages?q=state:bounced"
    yield "search-nothing", "/messages?q=subject:nothing-like-it"
    yield "search-misunderstood", "/messages?q=state:wrong last:soon"
    yield "suppression-found", "/suppressions?q=carol@customer.example"
    yield "person-found", "/suppressions/people?q=carol@customer.example"
    yield "replay", "/policies?pane=replay"
    for list_path in ("domains", "investigations", "webhooks"):
        for number, row in enumerate(sample.call(f"/v1/{list_path}")["data"]):
            yield f"{list_path}-{number}", f"/{list_path}/{row['id']}"


_PLAIN = (
    "/", "/messages", "/approvals", "/mailboxes", "/mailboxes/support", "/mailboxes/sales-agent", "/policies",
    "/suppressions", "/suppressions/domains", "/suppressions/consents", "/suppressions/people",
    "/domains", "/providers", "/reputation",
    "/outcomes", "/investigations", "/audit", "/webhooks",
)  # fmt: skip


@pytest.fixture
def sample(make_inside, make_provider):
    made = Sample(make_inside, make_provider)
    yield made
    made.close()


@pytest.mark.timeout(600)  # some fifty pages
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_screen_fits_in_every_width(browser, sample, scheme):
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    desk = Desk(sample.inside, sample.primary, context.new_page())
    desk.sign_in()
    desk.page.wait_for_url(f"{sample.inside.http}/")
    faults: list[str] = []
    for name, path in screens(sample):
        desk.go(path)
        assert desk.page.locator("main h1").count() == 1, path
        assert desk.page.evaluate(ALIKE) == [], path
        for width, height in HEIGHTS.items():
            desk.page.set_viewport_size({"width": width, "height": height})
            desk.page.wait_for_function(DRAWN)
            wide = desk.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide at {width}"
            photograph(desk.page, f"{name}.{scheme}.{width}")
            faults += [f"{path} at {width}: {fault}" for fault in seen_by_axe(desk)]
    context.close()
    assert desk.faults == []
    assert faults == []


def seen_by_axe(desk: Desk) -> list[str]:
    """What axe has to say against the page, where somebody brought it."""
    if not AXE:
        return []
    desk.page.evaluate(AXE)
    found: list[str] = desk.page.evaluate(LOOK)
    return found


def photograph(page: Any, name: str) -> None:
    """A picture of the page as it stands, where somebody asked for pictures."""
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(FOLDER) / f"{name}.png")
