"""Webhooks: where events are posted, what was posted, and posting it again.

Signed according to Standard Webhooks. A secret is shown once, when it is made; after a rotation the previous
secret signs as well. A URL is checked when it is set, and again, with the addresses it resolves to, before
every post (faults H14).
"""

import base64
from typing import Annotated, Any, Literal, NotRequired
from urllib.parse import urlsplit

from fastapi import Header, Path, Query, Response
from pydantic import AfterValidator, ConfigDict, Field, with_config
from typing_extensions import TypeAliasType, TypedDict  # pydantic needs these before Python 3.12

from config.events import GROUPS, TYPES, wanted
from policy.moment import exact
from relay.feedback.guarded import Forbidden, check_url
from relay.http.access import Operator, Parts
from relay.http.etags import TAGGED, IfMatch, check, etag_of
from relay.http.events import EventType
from relay.http.house import House
from relay.http.pages import Turning, listed
from relay.http.problems import may, not_found
from relay.http.shapes import DateTime, Given, Line, Listing, Short, ShownAs, Told, among, of_row
from relay.http.strict import Calls, Resource
from relay.store import accounts, destinations, listings
from relay.store.engine import dumps, loads

router = Resource("Webhooks")
Status = Literal["active", "disabled"]
State = Literal["pending", "delivered", "failed"]
TEST = "webhook.test"  # the type of the event that only tests a destination
WebhookId = Annotated[str, Path(alias="id", max_length=64)]
INSIDE = (".localhost", ".local", ".internal", ".home.arpa")


def _url(text: str) -> str:
    try:
        check_url(text)
    except Forbidden as error:
        raise ValueError(str(error)) from None
    host = (urlsplit(text).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(INSIDE):
        raise ValueError("a private network is not called")
    return text


Url = Annotated[Line, AfterValidator(_url), Field(json_schema_extra={"format": "uri", "pattern": "^https://"})]
EventPattern = TypeAliasType("EventPattern", Annotated[Line, AfterValidator(wanted), among(("*", *GROUPS, *TYPES))])
PostedType = EventType | Annotated[str, among([TEST])]
Kinds = Annotated[list[EventPattern], Field(min_length=1, max_length=100)]


class NewWebhook(Given):
    """A destination to add."""

    url: Url = Field(examples=["https://hooks.example.com/mail"])
    events: Kinds = Field(default=["*"], examples=[["send.*", "delivery.*"]])
    tenant: Short = Field(default="", description="Only events of this tenant; of all tenants if left out.")


class ChangedWebhook(Given):
    """What to change; absent fields stay as they are."""

    url: Url | None = None
    events: Kinds | None = None
    status: Status | None = Field(default=None, examples=["active"])


class Webhook(Told):
    """A destination, without its secret."""

    id: str
    url: str
    events: list[str]
    status: Annotated[str, among(Status)]
    cause: str | None
    managed: bool
    tenant_id: str | None
    failing_since: DateTime | None
    created_at: DateTime


class WebhookWithSecret(Webhook):
    """A destination with its secret, shown only once."""

    secret: str


@with_config(ConfigDict(extra="allow"))
class WebhookData(TypedDict):
    """What an event is about; the fields not named here are those of its type."""

    eventId: NotRequired[Annotated[str, Field(description="The event's id in `/v1/events`; a test has none.")]]
    tenantId: NotRequired[str]
    mailboxId: NotRequired[str]
    sendId: NotRequired[str]
    recipient: NotRequired[str]


class WebhookBody(TypedDict):
    """What is posted to a destination."""

    type: PostedType
    timestamp: DateTime
    data: WebhookData


class WebhookDelivery(Told):
    """One event posted, or to be posted, to a destination."""

    id: str
    event_id: str | None
    type: PostedType
    state: Annotated[str, among(State)]
    attempts: int
    code: int | None
    answer: str | None
    body: Annotated[dict[str, Any], ShownAs(WebhookBody)]
    due_at: DateTime | None
    created_at: DateTime
    done_at: DateTime | None


@router.post("/webhooks", status_code=201, summary="Add a destination", response_model=WebhookWithSecret)
async def add_webhook(body: NewWebhook, parts: Parts, who: Operator) -> Any:
    """It gets the events from now on."""
    secret, now = _secret(parts), parts.clock()

    def job(connection: Any) -> Any:
        tenant_id = accounts.tenant(connection, body.tenant).id if body.tenant else ""
        return destinations.add(
            connection,
            webhook_id=parts.ids.new("whk"),
            tenant_id=tenant_id,
            url=body.url,
            events=body.events,
            secret=parts.vault.seal(secret),
            by=who.actor,
            now=now,
        )

    return told(await parts.write(job)) | {"secret": secret}


@router.get("/webhooks", summary="List destinations", response_model=Listing[Webhook])
async def list_webhooks(parts: Parts, _: Operator, turn: Turning) -> Any:
    """Newest first."""
    return await listed(parts, turn, "webhooks", {}, told)


@router.get("/webhooks/{id}", summary="Show a destination", response_model=Webhook, responses=TAGGED)
async def show_webhook(webhook_id: WebhookId, parts: Parts, _: Operator, response: Response) -> Any:
    """One destination."""
    row = await _seen(parts, webhook_id)
    response.headers["ETag"] = _etag(row)
    return told(row)


@router.patch(
    "/webhooks/{id}", summary="Change a destination", response_model=Webhook, responses=TAGGED | may("declared_in_file")
)
async def change_webhook(
    webhook_id: WebhookId,
    body: ChangedWebhook,
    parts: Parts,
    who: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """`status: active` enables a disabled destination again."""

    def job(connection: Any) -> Any:
        row = listings.held(connection, "webhooks", webhook_id)
        if row is None:
            raise not_found("webhook")
        check(if_match, _etag(row))
        destinations.change(
            connection,
            row,
            url=body.url,
            events=body.events,
            status=body.status,
            by=who.actor,
            now=parts.clock(),
        )
        return listings.one(connection, "webhooks", webhook_id)

    row = await parts.write(job)
    response.headers["ETag"] = _etag(row)
    return told(row)


@router.delete("/webhooks/{id}", status_code=204, summary="Remove a destination", responses=may("declared_in_file"))
async def remove_webhook(webhook_id: WebhookId, parts: Parts, who: Operator) -> Response:
    """Also removes its log."""
    row = await _seen(parts, webhook_id)
    await parts.write(lambda c: destinations.remove(c, row, by=who.actor, now=parts.clock()))
    return Response(status_code=204)


@router.post(
    "/webhooks/{id}/rotate",
    summary="Make a new secret",
    response_model=WebhookWithSecret,
    responses=may("declared_in_file"),
)
async def rotate_webhook_secret(webhook_id: WebhookId, parts: Parts, who: Operator) -> Any:
    """From now on both secrets sign, until the next rotation."""
    row, secret = await _seen(parts, webhook_id), _secret(parts)
    now = parts.clock()
    await parts.write(lambda c: destinations.rotate(c, row, parts.vault.seal(secret), by=who.actor, now=now))
    return told(await _seen(parts, webhook_id)) | {"secret": secret}


@router.post("/webhooks/{id}/test", status_code=202, summary="Send a test event", response_model=WebhookDelivery)
async def send_test_event(webhook_id: WebhookId, parts: Parts, _: Operator) -> Any:
    """The event is queued; the log shows the result."""
    row, now, delivery_id = await _seen(parts, webhook_id), parts.clock(), parts.ids.new("wdl")
    body = dumps({"type": TEST, "timestamp": exact(now), "data": {"webhookId": row.id}})

    def job(connection: Any) -> Any:
        destinations.test(connection, delivery_id=delivery_id, webhook_id=row.id, body=body, now=now)
        return listings.one(connection, "webhook_deliveries", delivery_id)

    return _posted(await parts.write(job))


@router.get("/webhooks/{id}/deliveries", summary="What was posted", response_model=Listing[WebhookDelivery])
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    parts: Parts,
    _: Operator,
    turn: Turning,
    state: Annotated[State | None, Query()] = None,
) -> Any:
    """Newest first, with the destination's own answers."""
    row = await _seen(parts, webhook_id)
    return await listed(parts, turn, "webhook_deliveries", {"webhook_id": row.id, "state": state}, _posted)


@router.post(
    "/webhooks/{id}/deliveries/{deliveryId}/redeliver",
    status_code=202,
    summary="Post it again",
    response_model=WebhookDelivery,
)
async def redeliver_webhook(
    webhook_id: WebhookId,
    delivery_id: Annotated[str, Path(alias="deliveryId", max_length=64)],
    parts: Parts,
    _: Operator,
) -> Any:
    """Posted under the same id, so that the receiver can recognise a repeat."""
    await _seen(parts, webhook_id)

    def job(connection: Any) -> Any:
        row = listings.one(connection, "webhook_deliveries", delivery_id)
        if row is None or row.webhook_id != webhook_id:
            raise not_found("delivery")
        destinations.redeliver(connection, row, parts.clock())
        return listings.one(connection, "webhook_deliveries", delivery_id)

    return _posted(await parts.write(job))


posted = Calls("Webhooks")  # calls we make: only described


@posted.post("event", summary="Something happened", status_code=204, response_description="Any 2xx will do")
async def receive_event(
    body: WebhookBody,
    webhook_id: Annotated[str, Header(description="The same whenever this is posted again.")],
    webhook_timestamp: Annotated[str, Header(description="Seconds since 1970 at this attempt.")],
    webhook_signature: Annotated[str, Header(description="`v1,` and base64, of each secret that signs.")],
) -> None:
    """Posted to each destination that wants its type, signed as Standard Webhooks says. What is not answered with 2xx
    within ten seconds is posted again.
    """


def _secret(parts: House) -> str:
    return "whsec_" + base64.b64encode(parts.random(32)).decode()


def _etag(row: Any) -> str:
    return etag_of(row, "url", "events", "status")


async def _seen(parts: House, webhook_id: str) -> Any:
    row = await parts.look(lambda c: listings.one(c, "webhooks", webhook_id))
    if row is None:
        raise not_found("webhook")
    return row


def told(row: Any) -> dict[str, Any]:
    """A destination in the API's form."""
    return of_row(Webhook, row)


def _posted(row: Any) -> dict[str, Any]:
    body = loads(row.body)
    event = body["data"].get("eventId")  # a test event has no id
    return of_row(WebhookDelivery, row, event_id=str(event) if event is not None else None, body=body)
