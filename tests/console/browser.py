"""A real browser at a running server; whatever breaks the page's policy, or its scripts, fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.inside import Inside, MakeInside
from tests.support.needs import chromium
from tests.support.provider import Provider
from tests.support.settings import ADMIN_KEY, mailbox

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CHANGES = {"mailboxes": [mailbox(), mailbox("clerk", autonomyLevel="human_approved")]}
HELD = {"mailboxId": "clerk", "to": "dana@example.com", "subject": "A proposal"}


class Desk:
    """A page that is signed in, and the server and provider behind it."""

    def __init__(self, inside: Inside, provider: Provider, page: Any) -> None:
        self.inside, self.provider, self.page = inside, provider, page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def sign_in(self, key: str = ADMIN_KEY) -> None:
        """Through the front door."""
        self.page.goto(f"{self.inside.http}/sign-in")
        self.page.fill("#key", key)
        self.page.click("button.primary")

    def go(self, path: str) -> None:
        """To a page of the console."""
        self.page.goto(self.inside.http + path)

    def send(self, **changes: Any) -> dict[str, Any]:
        """A message over HTTP."""
        body = {"mailboxId": "agent", "to": "bob@example.com", "subject": "Invoice 7", "text": "Thank you."} | changes
        told: dict[str, Any] = self.inside.call("POST", "/v1/send/request", body)
        return told

    def state(self, send_id: str) -> str:
        """What became of a message for its first recipient."""
        return str(self.inside.call("GET", f"/v1/sends/{send_id}")["recipients"][0]["state"])

    def arrived(self, to: str) -> int:
        """How many copies the provider has for an address."""
        return sum(n for (_, address), n in self.provider.ledger.copies.items() if address == to)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; a module that uses it has no asynchronous tests, for Playwright keeps a loop of its own running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def desk(browser: Any, make_inside: MakeInside, provider: Provider) -> Iterator[Desk]:
    """A signed-in page. After the test nothing may have broken the policy or a script."""
    inside = make_inside(CHANGES, providers=[provider.settings()])
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    context.set_default_timeout(10_000)
    made = Desk(inside, provider, context.new_page())
    made.sign_in()
    made.page.wait_for_url(f"{inside.http}/")
    yield made
    context.close()
    assert made.faults == []
