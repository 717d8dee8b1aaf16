"""What is known about each mail provider, as data: `providers.yaml`, and presets that an operator adds.

A preset says where to connect, how to log in, what the provider accepts, which headers carry our tags and ids,
how to interpret its replies, and how it reports events. A provider in `deliveryConfig` can override any of it.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import regex
from pydantic import AfterValidator, Field

from config.errors import ConfigError
from config.smtp import TlsMode
from config.types import Context, Count, Name, Positive, Section, Share, Size, Text, Wait

Failure = Literal[
    "throttle", "exhausted", "connections", "retry", "configuration", "account", "message", "recipient", "permanent"
]
Port = Annotated[int, Field(ge=1, le=65_535)]
AuthMethod = Literal["plain", "login", "xoauth2"]


def _finds_id(pattern: str) -> str:
    try:
        groups = regex.compile(pattern).groupindex
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    if "id" not in groups:
        raise ValueError("has no group (?P<id>…) to capture the id")
    return pattern


ReplyId = Annotated[Text, AfterValidator(_finds_id)]


class Login(Section):
    # SASL mechanisms in the order to try. Default PLAIN, then LOGIN.
    methods: tuple[AuthMethod, ...] = ("plain", "login")
    # The user name where it is the same for every account, as `apikey`.
    username: Text = ""
    # Whether the password also serves as user name if none is given.
    password_is_username: bool = False
    # What must be given before the provider can be used.
    needs: tuple[Literal["username", "password"], ...] = ()


class Limits(Section):
    # Largest message. Default: no limit known.
    message_size: Size | None = None
    # Recipients of one message. Default: no limit known.
    recipients_per_message: Positive | None = None
    # Messages before a connection is closed. Default 100.
    messages_per_connection: Positive | None = None
    # Connections of a process. Default 10.
    connections: Positive | None = None
    # Recipients a second, all processes together; 0 stops the provider. Default: no limit.
    rate: Share | None = None
    # Recipients that may go at once after a pause. Default: one second's worth.
    burst: Positive | None = None
    # Recipients a day, all processes together. Default: no limit.
    daily: Count | None = None


class Headers(Section):
    # Header that prevents a repeat from being sent twice; our send and delivery id goes in.
    idempotency: Text = ""
    # Header in which our send id travels and comes back with events.
    send_id: Text = ""
    # Header of a tag; the campaign goes in.
    tag: Text = ""
    # Prefix of a header per metadata key, or a header that takes them as JSON.
    metadata: Text = ""
    # Header that names a message stream or configuration set.
    stream: Text = ""
    # Headers always added, as {name: value}.
    add: dict[Text, Text] = Field(default_factory=dict)
    # Headers removed before sending. Control headers of known providers always are.
    strip: tuple[Text, ...] = ()
    # Header fields the provider rewrites, which are therefore not signed.
    rewritten: tuple[Text, ...] = ()


class ReplyRule(Section):
    # Reply code, or its first digit. Default: any.
    code: Annotated[int, Field(ge=2, le=599)] | None = None
    # Enhanced code, as 4.7.0; an x stands for any number. Default: any.
    enhanced: Annotated[Text, Field(pattern=r"^[245x]\.(\d{1,3}|x)\.(\d{1,3}|x)$")] = ""
    # Text the reply contains, case ignored. Default: any.
    text: Text = ""
    # The command it answers. Default: any.
    command: Literal["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", ""] = ""
    # throttle: slow down, same provider soon. exhausted: fail over, reopen later. connections: a
    # smaller pool. retry: fail over, come back. configuration, account: fail over and alarm.
    # message, permanent: the message fails. recipient: a bounce of the recipient.
    failure: Failure
    # When the provider is asked again. Default by failure.
    reopen_after: Wait | None = None

    def matches(self, code: int, enhanced: str, text: str, command: str) -> bool:
        """Whether a reply matches."""
        if self.code is not None and self.code not in (code, code // 100):
            return False
        if self.command and self.command != command:
            return False
        if self.text and self.text.lower() not in text.lower():
            return False
        return not self.enhanced or _same_enhanced(self.enhanced, enhanced)


class Events(Section):
    # Name of the format in which the provider's hook reports; empty if it has none.
    format: Literal[
        "", "postmark", "resend", "ses", "sendgrid", "mailgun", "brevo", "mailersend", "sparkpost", "generic"
    ] = ""


def _usual_ports() -> dict[TlsMode, tuple[int, ...]]:
    return {"starttls": (587,), "implicit": (465,)}


class Preset(Section):
    # The name people know it by.
    title: Text = ""
    # Host; {region} is filled in. Empty: the operator names it.
    host: Text = ""
    # Hosts of regions that do not follow the pattern, as {eu: smtp.eu.example.net}.
    regions: dict[Text, Text] = Field(default_factory=dict)
    # Ports by kind of TLS, the preferred one first.
    ports: dict[TlsMode, tuple[Port, ...]] = Field(default_factory=_usual_ports)
    # The kind of TLS to use. Default starttls.
    tls: TlsMode = "starttls"
    # How to log in.
    login: Login = Login()
    # What it takes.
    limits: Limits = Limits()
    # Which headers it understands.
    headers: Headers = Headers()
    # Whether it keeps the envelope sender we choose (VERP works). Default false.
    own_return_path: bool = False
    # Regular expressions with the group `id` that find its id in the reply to the message.
    reply_id: tuple[ReplyId, ...] = ()
    # How its replies are to be read; the first match wins.
    replies: tuple[ReplyRule, ...] = ()
    # How it reports what became of a message.
    events: Events = Events()
    # What the SPF record of a sending domain must include.
    spf_include: Text = ""


def _same_enhanced(wanted: str, got: str) -> bool:
    pairs = zip(wanted.split("."), got.split("."), strict=False)
    return got.count(".") == 2 and all(want in ("x", have) for want, have in pairs)


@cache
def builtin() -> dict[str, Preset]:
    """The presets that come with the product."""
    from config.binding import bind
    from config.tree import parse

    text = files("config").joinpath("providers.yaml").read_text(encoding="utf-8")
    bound = bind(parse(text, "providers.yaml"), dict[Name, Preset])
    if bound.problems:
        raise ConfigError(bound.problems)
    context = Context(folder=Path(), env={})
    return {name: Preset.model_validate(values, context=context) for name, values in bound.data.items()}
