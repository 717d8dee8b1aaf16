"""The forms in which calls and answers carry mailboxes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from config.senders import DEFAULT_TENANT, Autonomy, MailClass, Role
from config.smtp import TlsMode
from config.types import NAME, to_name
from policy.moment import precise
from policy.settings import PolicySettings, RateLimit
from policy.state import MailboxState
from policy.usage import WINDOWS, Usage, Window
from relay.http.domains import Status as DomainStatus
from relay.http.shapes import DateTime, Email, Given, Lines, Short, Told, among, of_row
from relay.store.acts import ITSELF
from relay.store.engine import loads
from relay.store.guard import of_mailbox, of_tenant
from relay.store.snapshot import mailbox_state

Status = Literal["active", "paused", "disabled"]
PAUSERS = (*sorted(ITSELF), "key", "person")
Name = Annotated[str, AfterValidator(to_name), Field(json_schema_extra={"pattern": f"^{NAME}$", "maxLength": 100})]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$", max_length=8)]


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):  # bool is an int in Python
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic handles only ValueError
    return value


Limit = Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(_no_boolean)]
Template = Annotated[Lines, StringConstraints(max_length=8000)]


class Footer(Given):
    """Templates for the footer, with the placeholders {name}, {address} and {unsubscribe_url}."""

    text: Template = ""
    html: Template = ""


class RateLimits(Given):
    """Recipients in each window; an absent field stays as it is, null removes the limit set through the API
    (operator only).
    """

    hourly: Limit | None = None
    daily: Limit | None = None
    monthly: Limit | None = None


class NewMailbox(Given):
    """A mailbox to add."""

    name: Name = Field(examples=["sales-agent"])
    from_address: Email = Field(examples=["sales@yourcompany.com"])
    from_name: Short = Field(default="", examples=["Sarah Chen"])
    autonomy_level: Autonomy = Field(default="auto_send", examples=["human_approved"])
    role: Role = "agent"
    allowed_classes: list[MailClass] = Field(default=["transactional", "commercial"], min_length=1, max_length=2)
    policy: Name = "default"
    aliases: list[Email] = Field(default=[], max_length=50)
    language: Language = "en"
    footer: Footer = Footer()
    tenant: Name = DEFAULT_TENANT

    def footer_settings(self) -> dict[str, Any]:
        """The footer as the store keeps it."""
        return {"footer": self.footer.model_dump()} if self.footer.text or self.footer.html else {}


class ChangedMailbox(Given):
    """What to change; absent fields stay as they are.

    For a mailbox of the configuration file, `autonomyLevel` and `allowedClasses` may only be made stricter.
    Null for these and for `rateLimits` removes what was tightened through the API (operator only).
    """

    from_name: Short | None = None
    autonomy_level: Autonomy | None = None
    role: Role | None = None
    allowed_classes: list[MailClass] | None = Field(default=None, min_length=1, max_length=2)
    policy: Name | None = None
    language: Language | None = None
    footer: Footer | None = None
    rate_limits: RateLimits | None = Field(default=None, examples=[{"hourly": 50}])


class WindowUsage(Told):
    """One window: what is used, what is allowed (null: no limit), and when some of it is free again: room for one
    more, if nothing is left now.
    """

    current: int
    limit: int | None
    resets_at: DateTime | None


class SmtpSettings(Told):
    """The settings of an SMTP client."""

    host: str
    port: int
    tls: TlsMode
    username: str
    password: str


class Mailbox(Told):
    """A mailbox and its state."""

    id: str
    name: str
    from_address: str
    from_name: str
    autonomy_level: Annotated[str, among(Autonomy)]
    role: Annotated[str, among(Role)]
    allowed_classes: list[Annotated[str, among(MailClass)]]
    policy: str
    aliases: list[str]
    language: str
    status: Annotated[str, among(Status)]
    paused_by: Annotated[str, among(PAUSERS)] | None
    cause: str | None
    managed: bool
    tenant_id: str
    tenant: str
    tenant_status: Annotated[str, among(Status)]
    domain_status: Annotated[str, among(DomainStatus)] | None = Field(description="Null for a domain nobody added.")
    rate_limits: dict[str, int | None] = Field(description="In force, by window: `hourly`, `daily`, `monthly`.")
    usage: dict[str, WindowUsage]
    tenant_usage: dict[str, WindowUsage] = Field(description="The limits that all mailboxes of the tenant share.")
    created_at: DateTime
    updated_at: DateTime | None


class MailboxWithPassword(Mailbox):
    """A new mailbox, with its SMTP settings."""

    smtp: SmtpSettings


class MailboxPause(Told):
    """Whether the mailbox sends."""

    id: str
    status: Annotated[str, among(Status)]
    paused_by: Annotated[str, among(PAUSERS)] | None
    cause: str | None


def told(
    row: Any, domain: Any, tenant: Any, policy: PolicySettings, usages: Mapping[str, Usage], now: int
) -> dict[str, Any]:
    """A mailbox in the API's form; `usages` has those of the mailbox and of its tenant."""
    settings: Mapping[str, Any] = loads(row.settings)
    limits, binding = effective(row, policy), bound(row)
    own, shared = usages[of_mailbox(row.id)].sent, usages[of_tenant(row.tenant_id)].sent
    return of_row(
        Mailbox,
        row,
        from_address=row.address,
        autonomy_level=binding.level,
        allowed_classes=list(binding.classes),
        aliases=list(settings.get("aliases", ())),
        language=settings.get("language", "en"),
        tenant=tenant.name,
        tenant_status=tenant.status,
        domain_status=domain.status if domain is not None else None,
        rate_limits=limits,
        usage={name: _used(own[name], limit, now) for name, limit in limits.items()},
        tenant_usage={name: _used(shared[name], limit, now) for name, limit in loads(tenant.limits).items()},
    )


def bound(row: Any) -> MailboxState:
    """The mailbox as the policy sees it; its `level` and `classes` are the ones in force."""
    return mailbox_state(row, Usage())


def effective(row: Any, policy: PolicySettings) -> dict[str, int | None]:
    """The limit in force for each window: the smaller of the policy's and the mailbox's own."""
    tightened = loads(row.tightened)
    asked = {name: (of_policy(policy, name), tightened.get(name)) for name in WINDOWS}
    return {name: min((n for n in both if n is not None), default=None) for name, both in asked.items()}


def of_policy(policy: PolicySettings, name: str) -> int | None:
    """The policy's limit for a window; None if it sets none."""
    rule: RateLimit = getattr(policy, f"rate_limit_{name}")
    return rule.limit if rule.mode == "enforce" else None


def _used(window: Window, limit: int | None, now: int) -> dict[str, Any]:
    current = window.busiest(now)
    again = window.eases_at(now) if limit is None or current < limit else window.room_at(now, limit)
    return {"current": current, "limit": limit, "resetsAt": precise(again)}
