"""Reporting and accounting: approvals, alerts, webhooks, attribution, costs."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from config.events import wanted
from config.types import SPELLED, MailAddress, Money, SecretField, Section, Text, Url, Wait, to_address
from policy.attribution import Model


def _target(text: str) -> str:
    """An address or an https URL."""
    if text.startswith(("http://", "https://")):
        return text
    return to_address(text)


Target = Annotated[Text, AfterValidator(_target)]


class Approvals(Section):
    # How long a held message waits for a person before it is rejected. Default 24 h.
    timeout: Wait = timedelta(hours=24)
    # Who is told of held mail: addresses and URLs. Default none: the console shows it.
    notify: tuple[Target, ...] = ()
    # The address such mail is sent from, of a mailbox of this file. Needed where notify has addresses.
    sender: MailAddress | None = None


class Alerts(Section):
    # Who is told when something changes that needs a person: addresses and URLs. Default none.
    notify: tuple[Target, ...] = ()
    # The address such mail is sent from, of a mailbox of this file. Needed where notify has addresses.
    sender: MailAddress | None = None


class Webhook(Section):
    # Where events are posted, signed after Standard Webhooks.
    url: Url
    # The signing secret, at least 16 characters, or whsec_… in base64.
    secret: SecretField
    # Types of events: send.held, delivery.*, or "*". Default all.
    events: Annotated[tuple[Annotated[Text, AfterValidator(wanted)], ...], Field(min_length=1)] = ("*",)
    # Allow the URL to lead to private networks and to use plain http. Default false. Link-local is never allowed.
    allow_private: bool = False


class Attribution(Section):
    # How an event's value is divided among the messages before it. Default last_touch.
    model: Model = "last_touch"
    # time_decay: the age at which a message counts half. Default 7 days.
    half_life: Wait = timedelta(days=7)
    # The window of types of events that attributionWindows does not name. Default 30 days.
    default_window: Wait = timedelta(days=30)


class Costs(Section):
    # What one recipient costs where the provider has no price of its own. Default 0.
    per_email: Money = Decimal(0)
    # What a month costs whatever is sent. Default 0.
    monthly_fixed: Money = Decimal(0)
    # The one currency of costs and of the values of events, three letters as EUR (ISO 4217). Shown with the amounts; an
    # event in another one is refused. Default none: amounts are told without.
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""


AttributionWindows = dict[Annotated[Text, Field(min_length=1, max_length=100), SPELLED], Wait]
BRIEF_WINDOWS: AttributionWindows = {
    "trial_started": timedelta(days=7),
    "meeting_booked": timedelta(days=14),
    "deal_closed": timedelta(days=30),
    "churn_prevented": timedelta(days=90),
}
