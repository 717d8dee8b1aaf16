"""Webhooks: where events are posted, what was posted and how the receiver answered, and posting it again."""

from typing import Any, get_args

from starlette.responses import Response

from config.events import TYPES
from relay.http import webhooks as api
from relay.http.console.forms import filled, turn
from relay.http.console.visit import Entry, Visit, get, post


async def listed(visit: Visit) -> Response:
    """Every destination."""
    return await _list(visit, None)


async def _list(visit: Visit, fresh: dict[str, Any] | None) -> Response:
    page = await api.list_webhooks(visit.house, visit.who, turn(visit))
    return visit.page("webhooks.html", webhooks=page["data"], next=page["nextCursor"], fresh=fresh, types=TYPES)


async def show(visit: Visit) -> Response:
    """One destination with its log."""
    hook = await api.show_webhook(visit.named("id"), visit.house, visit.who, Response())
    state = visit.picked("state", get_args(api.State), None)
    log = await api.list_webhook_deliveries(hook["id"], visit.house, visit.who, turn(visit), state=state)
    return visit.page("webhook.html", hook=hook, log=log["data"], next=log["nextCursor"], state_chosen=state or "")


async def add(visit: Visit) -> Response:
    """Add a destination; its secret is shown once."""
    kinds = [kind for kind in visit.form.get("events", "*").replace(",", " ").split() if kind]
    wanted = filled(api.NewWebhook, visit.typed("url") | {"events": kinds or ["*"]})
    return await _list(visit, await api.add_webhook(wanted, visit.house, visit.who))


async def change(visit: Visit) -> Response:
    """Enable it again, or disable it."""
    status = visit.form.get("status", "")
    wanted = filled(api.ChangedWebhook, {"status": status})
    hook = await api.change_webhook(visit.named("id"), wanted, visit.house, visit.who, Response())
    said = (
        "Enabled. Events are posted to it again." if status == "active" else "Disabled. Nothing more is posted to it."
    )
    return visit.go(f"/webhooks/{hook['id']}", said)


async def test(visit: Visit) -> Response:
    """Send a test event."""
    await api.send_test_event(visit.named("id"), visit.house, visit.who)
    return visit.go(f"/webhooks/{visit.named('id')}", "A test event is queued; see the log below for how it goes.")


async def redeliver(visit: Visit) -> Response:
    """Post an event again."""
    await api.redeliver_webhook(visit.named("id"), visit.named("delivery"), visit.house, visit.who)
    return visit.go(f"/webhooks/{visit.named('id')}", "Queued again, under the same id.")


ENTRIES: tuple[Entry, ...] = (
    get("/webhooks", listed),
    post("/webhooks", add),
    get("/webhooks/{id}", show),
    post("/webhooks/{id}", change),
    post("/webhooks/{id}/test", test),
    post("/webhooks/{id}/deliveries/{delivery}", redeliver),
)
