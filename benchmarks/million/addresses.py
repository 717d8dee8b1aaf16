"""The addresses measured: every list of the API, in every way that uses another index, and every screen."""

import re
from collections.abc import Iterator, Mapping

import httpx2

Asked = Mapping[str, str]

# Queries that use another index than the plain list; {…} is filled in from the data.
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "/v1/sends": (
        "state=held",
        "state=delivered",
        "state=bounced",
        "state=blocked",
        "state=deferred&mailboxId={mailbox}",
        "mailboxId={mailbox}",
        "recipient={recipient}",
        "messageId={messageId}",
        "dedupeKey={dedupeKey}",
        "campaign={campaign}",
        "reason=suppressed",
        "since={since}",
        "limit=200",
        "cursor={cursor}",
    ),
    "/v1/events": ("since=now", "since={since}", "sendId={sendId}", "types=delivery.bounced", "mailboxId={rare}"),
    "/v1/suppressions": ("scope=tenant", "mailboxId={mailbox}", "email={recipient}", "cursor={cursor}"),
    "/v1/consents": ("email={recipient}",),
    "/v1/investigations": ("status=open", "mailboxId={mailbox}"),
    "/v1/approvals": ("mailboxId={mailbox}", "cursor={cursor}"),
    "/v1/analytics/reputation": ("tenantId=default", "mailboxId={mailbox}"),
    "/v1/analytics/outcomes": ("period=7d", "groupBy=mailbox", "groupBy=campaign", "model=time_decay"),
}
SEARCHES = (
    "invoice",
    "state:held",
    "state:blocked",
    "state:bounced",
    "to:person7@d7.example.com",
    "last:24h",
    "reason:suppressed",
    "mailbox:box0",
)
# Values for paths whose own list is empty, and for the parameters of checks.
NEEDED: Mapping[str, str] = {
    "/v1/suppressions/check": "email={recipient}",
    "/v1/consents/check": "email={recipient}",
    "/v1/suppressed-domains/check": "domain=never1.example",
    "/v1/data-subjects/export": "email={recipient}",
    "/v1/analytics/reputation": "tenantId=default",
}
NOT_JSON = {  # whole tables as a file: neither lists nor screens
    "/v1/suppressions/export",
    "/v1/consents/export",
    "/v1/analytics/outcomes/export",
    "/audit/export",
}


def samples(api: httpx2.Client) -> dict[str, str]:
    """One id of each kind, for filling in addresses."""
    sends = api.get("/v1/sends", params={"state": "delivered"}).json()
    send = next(one for one in sends["data"] if one["recipients"])
    keyed = api.get("/v1/sends", params={"limit": 200}).json()["data"]
    boxes = {box["name"]: box["id"] for box in api.get("/v1/mailboxes", params={"limit": 200}).json()["data"]}
    found = {
        "sendId": send["sendId"],
        "mailbox": boxes["box0"],
        "rare": boxes["box39"],
        "recipient": send["recipients"][0]["recipient"],
        "messageId": send["messageId"],
        "dedupeKey": next((one["dedupeKey"] for one in keyed if one["dedupeKey"]), "none"),
        "campaign": next((one["campaign"] for one in keyed if one["campaign"]), "none"),
        "since": keyed[-1]["receivedAt"],
    }
    return {name: value.replace("+", "%2B").replace("<", "%3C").replace(">", "%3E") for name, value in found.items()}


def api_urls(api: httpx2.Client, known: Asked) -> Iterator[str]:
    """Every GET route of the description, lists in every way that uses another index."""
    document = api.get("/openapi.json").json()
    for path, item in document["paths"].items():
        if "get" not in item or not path.startswith("/v1/") or path in NOT_JSON:
            continue
        if (filled := fill(api, path, known)) is None:
            continue
        needed = NEEDED.get(path, "")
        yield filled + (f"?{needed.format_map(known)}" if needed else "")
        for variant in VARIANTS.get(path, ()):
            cursor = api.get(filled).json().get("nextCursor") if "{cursor}" in variant else None
            yield f"{filled}?{variant.format_map({**known, 'cursor': cursor})}"


def fill(api: httpx2.Client, path: str, known: Asked) -> str | None:
    """The path with ids filled in, from the list to which it belongs; None if that is empty."""
    before, brace, after = path.partition("{")
    if not brace:
        return path
    name, _, rest = after.partition("}")
    if name == "sendId":
        held = api.get("/v1/approvals").json()["data"] if "approvals" in path else []
        one = held[0]["sendId"] if held else known["sendId"]
        return fill(api, f"{before}{one}{rest}", known)
    rows = api.get(before.rstrip("/")).json().get("data", [])
    return fill(api, f"{before}{rows[0].get('id') or rows[0]['name']}{rest}", known) if rows else None


def screens(api: httpx2.Client, known: Asked) -> Iterator[str]:
    """Every page of the console, including searches."""
    from relay.http.console.site import ENTRIES

    for entry in ENTRIES:
        if entry.method != "GET" or entry.path in NOT_JSON or entry.path == "/live":
            continue
        path = entry.path
        if "{number}" in path:
            continue  # only for messages with attachments
        if path.startswith(("/messages/", "/approvals/")) and "{id}" in path:
            path = path.replace("{id}", _held(api) if path.startswith("/approvals") else known["sendId"])
        elif "{" in path:
            filled = fill(api, f"/v1{path}", known)
            if filled is None:
                continue
            path = filled.removeprefix("/v1")
        yield path
    for words in SEARCHES:
        yield f"/messages?q={words.replace(':', '%3A')}"
    page = api.get("/messages")
    if following := re.search(r'href="(/messages\?[^"]*cursor=[^"]+)"', page.text):
        yield following[1].replace("&amp;", "&")


def _held(api: httpx2.Client) -> str:
    return str(api.get("/v1/approvals").json()["data"][0]["sendId"])
