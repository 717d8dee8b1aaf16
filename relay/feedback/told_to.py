"""The webhook destinations of the configuration file: its webhooks, and URLs listed for alerts and approvals.

Each has an id computed from its role and URL, so that it is the same after every start and on
every machine. Posts to URLs of alerts and approvals are signed with a secret derived for them. The
operator's file may allow destinations in private networks: a webhook with `allow_private`, and
URLs of alerts and approvals by being listed at all.
"""

import base64
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from config.settings import Settings
from policy.moment import exact
from relay.feedback.notices import ALERTS, HELD, is_url
from relay.mail.ids import id_from_octets
from relay.store.postings import Declared, body_of
from relay.store.vault import Vault

ALERT, APPROVAL, WEBHOOK = "alert", "approval", "webhook"


def declared(settings: Settings, vault: Vault) -> Iterator[Declared]:
    """All destinations in the file."""
    for hook in settings.webhooks:
        if hook.secret.is_set:
            yield Declared(identity(WEBHOOK, hook.url), hook.url, tuple(hook.events), hook.secret.reveal())
    for url in filter(is_url, settings.alerts.notify):
        yield Declared(identity(ALERT, url), url, tuple(ALERTS), _derived(vault, url))
    for url in filter(is_url, settings.approvals.notify):
        yield Declared(identity(APPROVAL, url), url, (HELD,), _derived(vault, url))


def private(settings: Settings) -> frozenset[str]:
    """The ids of destinations that may be in private networks."""
    return frozenset(
        [
            *(identity(WEBHOOK, hook.url) for hook in settings.webhooks if hook.allow_private),
            *(identity(ALERT, url) for url in settings.alerts.notify if is_url(url)),
            *(identity(APPROVAL, url) for url in settings.approvals.notify if is_url(url)),
        ]
    )


def identity(role: str, url: str) -> str:
    """The id of a destination in the file."""
    return id_from_octets("whk", blake2b(f"{role}\0{url}".encode(), digest_size=16).digest())


def _derived(vault: Vault, url: str) -> str:
    return "whsec_" + base64.b64encode(vault.derive(f"notify {url}")).decode()


class Bodies:
    """Makes the bodies of posts; a post to an approver's URL includes the link for deciding."""

    def __init__(self, settings: Callable[[], Settings], decision_url: Callable[[str, str], str]) -> None:
        self._settings = settings
        self._decision_url = decision_url

    def of(self, webhook_id: str, event: Any) -> str:
        """The body of one event for one destination."""
        url = self._approver(webhook_id) if event.type == HELD else ""
        more = {"decisionUrl": self._decision_url(event.send_id, url)} if url else {}
        return body_of(event, more, exact)

    def _approver(self, webhook_id: str) -> str:
        urls = filter(is_url, self._settings().approvals.notify)
        return next((url for url in urls if identity(APPROVAL, url) == webhook_id), "")
