"""Outgoing mail: providers, failover, retries, and the consequences of bounces and complaints."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from config.presets import AuthMethod, Headers, Limits, Preset, ReplyId, ReplyRule
from config.secrets import Secret
from config.smtp import TlsMode
from config.types import (
    Count,
    Domain,
    DomainPattern,
    FilePath,
    Money,
    Name,
    Positive,
    SecretField,
    Section,
    Text,
    Url,
    Wait,
)

FailoverTrigger = Literal["5xx_errors", "timeout", "rate_limit_exceeded"]


class OAuth(Section):
    # Where access tokens are fetched, as https://login.microsoftonline.com/TENANT/oauth2/v2.0/token.
    token_url: Url
    # The application's id.
    client_id: Text
    # The application's secret.
    client_secret: SecretField | None = None
    # The refresh token, if a person has consented. Default none: client credentials are used.
    refresh_token: SecretField | None = None
    # The scope asked for, as https://outlook.office365.com/.default.
    scope: Text = ""

    @property
    def secrets(self) -> dict[str, Secret | None]:
        """Its secrets, by the names of their settings."""
        return {"client_secret": self.client_secret, "refresh_token": self.refresh_token}


class Condition(Section):
    """Which mail a provider takes; a message has to match every list that is given."""

    # Classes of mail. Default all.
    classes: tuple[Literal["transactional", "commercial"], ...] = ()
    # Names of mailboxes. Default all.
    mailboxes: tuple[Name, ...] = ()
    # Names of tenants. Default all.
    tenants: tuple[Name, ...] = ()
    # Domains of From; `.example.com` covers every domain below it. Default all.
    sender_domains: tuple[DomainPattern, ...] = ()
    # Domains of recipients; `.example.com` covers every domain below it. Default all.
    recipient_domains: tuple[DomainPattern, ...] = ()


class ProviderTimeouts(Section):
    # TCP connection. Default 30 s.
    connect: Wait = timedelta(seconds=30)
    # TLS handshake, greeting, EHLO, AUTH, MAIL and RCPT, each. Default 60 s.
    command: Wait = timedelta(seconds=60)
    # Between blocks of the message. Default 3 min (RFC 5321 section 4.5.3.2.5).
    block: Wait = timedelta(minutes=3)
    # The answer to the final dot. Default 10 min (RFC 5321 section 4.5.3.2.6); below 5 min duplicates arise.
    final: Annotated[Wait, Field(ge=timedelta(minutes=5))] = timedelta(minutes=10)


class Provider(Section):
    # Unique name, used in the log, the API and the address of its hook.
    name: Name
    # Name of a preset: postmark, resend, ses, sendgrid, mailgun, brevo, mailersend, sparkpost, gmail,
    # gmail_relay, office365, smtp, or one of deliveryConfig.presets.
    provider: Text
    # Share of the traffic, in proportion to the sum of all weights. 0: none of its own. Default 100,
    # or 0 where failover is true.
    weight: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    # Takes over when the weighted ones fail. Default false.
    failover: bool = False
    # Providers of one group share an account: when one is suspended all are. Default: its own.
    group: Text = ""
    # Host name or address. Default: the preset's.
    host: Text = ""
    # Port. Default: the preset's for the kind of TLS.
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    # none, starttls or implicit; never downgraded. Default: the preset's.
    tls: TlsMode | None = None
    # CA certificates to trust instead of the system's, PEM.
    tls_ca: FilePath | None = None
    # Verify certificate and name. Default true. Set false only for a laboratory.
    tls_verify: bool = True
    # Region, where the preset has several.
    region: Text = ""
    # User name, as env:NAME or plain. Default: the preset's.
    username: SecretField | None = None
    # Password, token or API key.
    password: SecretField | None = None
    # SASL mechanisms in the order to try. Default: the preset's.
    auth_methods: tuple[AuthMethod, ...] = ()
    # OAuth for XOAUTH2 (office365, gmail).
    oauth: OAuth | None = None
    # The name said in EHLO. Default: server.hostname.
    ehlo_name: Domain | None = None
    # What the provider signs or authenticates its events with (user:password for basic authentication). Default none:
    # its hook answers 403.
    webhook_secret: SecretField | None = None
    # SES: topics whose notifications are taken.
    topic_arns: tuple[Text, ...] = ()
    # SES: confirm subscriptions to those topics without asking. Default false.
    confirm_subscriptions: bool = False
    # Message stream (postmark) or configuration set (ses). Default: the account's.
    stream: Text = ""
    # Limits that differ from the preset's.
    limits: Limits = Limits()
    # Headers that differ from the preset's.
    headers: Headers = Headers()
    # Replies to interpret differently from the preset; these are tried first.
    replies: tuple[ReplyRule, ...] = ()
    # Regular expressions with the group `id`. Default: the preset's.
    reply_id: tuple[ReplyId, ...] = ()
    # Whether it keeps the envelope sender we choose. Default: the preset's.
    own_return_path: bool | None = None
    # Which mail it takes. Default all.
    when: Condition = Condition()
    # How long it may take.
    timeouts: ProviderTimeouts = ProviderTimeouts()
    # How long an unused connection is kept. Default 30 s.
    idle_time: Wait = timedelta(seconds=30)
    # What it charges for a recipient. Default: costs.per_email.
    price: Money | None = None


class Breaker(Section):
    # Failures in a row after which a provider is rested. Default 5.
    failures: Positive = 5
    # How long it is rested the first time; doubled each time. Default 30 s.
    open_for: Wait = timedelta(seconds=30)
    # The longest rest. Default 10 min.
    open_at_most: Wait = timedelta(minutes=10)


class Uncertain(Section):
    """A message whose final reply was lost: nobody knows whether it was taken."""

    # How long the provider's event is awaited before the same provider is asked once more. Default 15 min.
    wait: Wait = timedelta(minutes=15)
    # Whether another provider may be tried. Default false: the recipient might get it twice.
    other_provider: bool = False


class DeliveryConfig(Section):
    # The providers, in order of preference where weights are equal. Default none: mail waits in the queue.
    providers: tuple[Provider, ...] = ()
    # What makes the next provider take over. 5xx_errors: the provider's own refusals (never the
    # recipient's or the message's fault). timeout: no connection, no answer, or a temporary refusal,
    # before the final dot. rate_limit_exceeded: throttled or used up. Default all three.
    failover_triggers: tuple[FailoverTrigger, ...] = ("5xx_errors", "timeout", "rate_limit_exceeded")
    # Try another provider after RCPT was refused with 5.7.x, which may be policy or the address. Default false.
    failover_on_policy_refusal: bool = False
    # Waits before providers that failed are tried again; the last one repeats. Default 1, 5, 15, 30, 60 min.
    retry: Annotated[tuple[Wait, ...], Field(min_length=1)] = tuple(timedelta(minutes=n) for n in (1, 5, 15, 30, 60))
    # Deliveries under way at once in a process. Default 50.
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 50
    # When a failing provider is rested.
    breaker: Breaker = Breaker()
    # What becomes of a message whose final reply was lost.
    uncertain: Uncertain = Uncertain()
    # Presets of your own, by name, in the form of the built-in ones.
    presets: dict[Name, Preset] = Field(default_factory=dict)


class SoftBounces(Section):
    # Retries after the recipient's own temporary refusals. Default 3.
    max_retries: Count = 3
    # Waits before each retry, in minutes; the last one repeats. Default 15, 60, 240.
    backoff_minutes: Annotated[tuple[Annotated[int, Field(ge=1, le=525_600)], ...], Field(min_length=1)] = (15, 60, 240)
    # Messages in a row that used up these retries, or those of a provider that had accepted them, before the
    # recipient is suppressed. Default 3.
    suppress_after: Positive = 3
    # How long such a suppression lasts. Default 30 days.
    suppress_for: Wait = timedelta(days=30)


class BounceHandling(Section):
    # A recipient that does not exist: suppress_immediately (default) or record.
    hard_bounces: Literal["suppress_immediately", "record"] = "suppress_immediately"
    # A recipient that refuses temporarily.
    soft_bounces: SoftBounces = SoftBounces()
    # How long failures of providers and connections are retried before the delivery expires. Default
    # 4 days. Shorten it for codes and reminders that are useless late.
    give_up_after: Wait = timedelta(days=4)
    # A spam complaint: suppress_and_investigate (default) or suppress.
    complaints: Literal["suppress_and_investigate", "suppress"] = "suppress_and_investigate"
