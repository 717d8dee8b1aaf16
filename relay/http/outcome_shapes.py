"""The forms in which calls and answers carry business events, and what mail brought."""

import re
from decimal import Decimal
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from policy.attribution import Model
from relay.http.shapes import Email, Given, Metadata, Moment, Short, Told, WrongField


def _kind(words: str) -> str:
    """`trial_started` for any spelling: trialStarted, Trial started, TRIAL-STARTED."""
    parts = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words))
    if not parts:
        raise ValueError("has no letter that could name what happened")
    return "_".join(parts).lower()


def _written(value: Any) -> Any:
    """A binary fraction as the number meant by it: 434.99999999999994 is what 4.35 * 100 makes."""
    return round(value, 10) if isinstance(value, float) else value


class NewBusinessEvent(Given):
    """Something a person did. `replied` ends the cooldown for that person."""

    event_type: Annotated[Short, Field(min_length=1, max_length=100, examples=["trial_started"]), AfterValidator(_kind)]
    user_id: Short = Field(default="", examples=["user_12345"])
    email: Email | None = Field(default=None, examples=["prospect@example.com"])
    timestamp: Moment | None = Field(default=None, description="Now by default.", examples=["2026-03-24T11:45:00Z"])
    value: Annotated[
        Decimal,
        Field(max_digits=22, decimal_places=10, allow_inf_nan=False, examples=[99.00]),
        BeforeValidator(_written),
    ] = Decimal(0)
    currency: Short = Field(default="", description="Of `value`: the one `costs.currency` names, or left out.")
    metadata: Metadata = Field(default_factory=dict, examples=[{"plan": "starter", "source": "agent_outreach"}])
    event_id: Short = Field(default="", description="Makes a repeat harmless; else the content does.")
    tenant: Short = ""

    @model_validator(mode="after")
    def _somebody(self) -> "NewBusinessEvent":
        if not self.email and not self.user_id:
            raise WrongField("email", "give email or userId")
        return self


Amount = Annotated[int | float, WithJsonSchema({"type": "number"})]


class Outcomes(TypedDict):
    """What mail brought and cost; `costPerOutcome` has the singular of each outcome."""

    period: str
    totalEmails: int
    outcomes: Annotated[dict[str, Amount], Field(examples=[{"trials_started": 23, "revenue_attributed": 12750.0}])]
    costPerOutcome: Annotated[dict[str, Amount], Field(examples=[{"trial": 38.47}])]
    cost: Amount


class OutcomeGroup(Outcomes):
    """The outcomes of one mailbox, campaign or provider."""

    mailbox: NotRequired[str]
    mailboxId: NotRequired[str]
    campaign: NotRequired[str]
    provider: NotRequired[str]


class OutcomeReport(Outcomes):
    """What the mail of a period brought and cost."""

    model: Model
    currency: str | None
    unattributed: NotRequired[Annotated[dict[str, Amount], Field(description="Of the whole tenant only.")]]
    groups: NotRequired[Annotated[list[OutcomeGroup], Field(description="Where `groupBy` is given.")]]


class CreditedTouch(Told):
    """A message that gets credit for the event, and its share."""

    send_id: str
    weight: float


class BusinessEventReceipt(Told):
    """The event was accepted; `replayed` if it repeats an earlier one, which then stands as it was."""

    event_id: str
    attributed: bool
    touches: list[CreditedTouch]
    replayed: bool
