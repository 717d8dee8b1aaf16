"""The form in which calls carry a message, and the answer to it."""

import base64
import binascii
import re
import unicodedata
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    StringConstraints,
    model_validator,
    with_config,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType, TypedDict  # pydantic needs these before Python 3.12

from config.senders import MailClass
from policy.decision import CheckStatus, Next, Outcome, Reason, Retry, Verdict
from relay.http.shapes import DateTime, Given, Line, Lines, Metadata, Moment, Short, ShownAs, Told, WrongField, among
from relay.mail.compose import Attached, Party
from relay.mail.departure import STRIPPED
from relay.mail.identity import read_mailbox

MOST_RECIPIENTS = 1000
MOST_REPLY_TO = 20
LONGEST_ADDRESS, LONGEST_NAME = 1000, 500
MOST_METADATA = 8 * 1024

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,80}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,80}")
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.@]{1,200}")
# Fields that the composer sets, trace fields of a delivery yet to come, and fields that compliance adds (faults P6).
_RESERVED = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "sender",
        "reply-to",
        "mime-version",
        "received",
        "return-path",
        "authentication-results",
        "dkim-signature",
        "domainkey-signature",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "feedback-id",
    ]
)
# The fields of the call that replace some of these headers.
_OWN_FIELDS = {
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "reply-to": "replyTo",
    "x-gatepost-dedupe-key": "dedupeKey",
    "x-gatepost-class": "class",
    "x-gatepost-metadata": "metadata",
    "x-gatepost-campaign": "campaign",
    "x-gatepost-send-at": "sendAt",
}
_RESERVED_BEGINNINGS = ("content-", "resent-", "arc-", "x-gatepost-", "received-")
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))})


def _party(value: Any) -> Party:
    """A recipient given as `bob@example.com`, `Bob <bob@example.com>` or {email, name}."""
    if isinstance(value, Party):
        return value
    name = ""
    if isinstance(value, dict) and set(value) <= {"email", "name"}:
        name, value = value.get("name") or "", value.get("email")
    if not isinstance(value, str) or not isinstance(name, str):
        raise ValueError("must be an address, `Name <address>` or {email, name}")  # noqa: TRY004 - pydantic handles only ValueError
    if len(value) > LONGEST_ADDRESS or len(name) > LONGEST_NAME:
        raise ValueError("is too long")
    try:
        shown, address = read_mailbox(value)
    except ValueError as error:  # MailboxError, or its subclass AddressError
        raise ValueError(f"is not an address: {error}") from None
    name = name or shown
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name):
        raise ValueError("the name contains a line break or control character")
    return Party(address, name)


def _parties(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _header_name(name: str) -> str:
    low = name.lower()
    if not _TOKEN.fullmatch(name) or ":" in name:
        raise ValueError("is not the name of a header field")
    if low in _RESERVED or low.startswith(_RESERVED_BEGINNINGS) or STRIPPED.covers(low.encode()):
        meant = _OWN_FIELDS.get(low)
        raise ValueError(f"cannot be set here; give {meant}" if meant else "cannot be set here")
    return name


def _filename(name: str) -> str:
    """The bare file name: no folder, no reserved device, no bidirectional controls; at most 120 characters."""
    if any(unicodedata.category(c) == "Cc" or c in "\u2028\u2029\x85" for c in name):
        raise ValueError("contains a line break or control character")
    bare = name.replace("\\", "/").rpartition("/")[2]
    bare = "".join(c for c in bare if unicodedata.category(c) not in ("Cf", "Cs")).strip(" .")
    stem, dot, extension = bare.rpartition(".")
    if len(bare) > 120:
        bare = f"{stem[:100]}.{extension[:19]}" if dot else bare[:120]
    if bare.partition(".")[0].lower() in _DEVICES:
        bare = f"_{bare}"
    return bare or "file"


def _media_type(text: str) -> str:
    if not _MEDIA_TYPE.fullmatch(text):
        raise ValueError("is not a media type, as application/pdf")
    if text.lower().startswith(("multipart/", "message/")):
        raise ValueError("multipart and message types cannot be attached; use application/octet-stream")
    return text.lower()


def _content_id(text: str) -> str:
    bare = text.removeprefix("cid:").strip("<>")
    if not _CONTENT_ID.fullmatch(bare):
        raise ValueError("is not a content id")
    return bare


class NamedAddress(Given):
    """An address with a name."""

    email: str = Field(max_length=LONGEST_ADDRESS)
    name: str = Field(default="", max_length=LONGEST_NAME)


# As the description tells them; `_party` reads them.
Addressee = TypeAliasType(
    "Addressee",
    Annotated[str, Field(max_length=LONGEST_ADDRESS, description="`bob@example.com` or `Bob <bob@example.com>`.")]
    | NamedAddress,
)


def _one_or(most: int) -> BeforeValidator:
    """One stands for a list of one."""
    return BeforeValidator(
        _parties, json_schema_input_type=Addressee | Annotated[list[Addressee], Field(max_length=most)]
    )


_Parties = list[Annotated[InstanceOf[Party], BeforeValidator(_party)]]
Recipients = Annotated[_Parties, Field(max_length=MOST_RECIPIENTS), _one_or(MOST_RECIPIENTS)]
ReplyTo = Annotated[_Parties, Field(max_length=MOST_REPLY_TO), _one_or(MOST_REPLY_TO)]


class Attachment(Given):
    """A file, base64 in `content`. With `contentId` it is shown where the HTML refers to `cid:…`."""

    filename: Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_filename)] = "file"
    content: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"}, examples=["SGVsbG8="])]
    content_type: Annotated[str, AfterValidator(_media_type)] = Field(
        default="application/octet-stream", json_schema_extra={"pattern": f"^{_MEDIA_TYPE.pattern}$"}
    )
    content_id: Annotated[str, AfterValidator(_content_id)] | None = None
    disposition: Literal["attachment", "inline"] | None = None

    @model_validator(mode="after")
    def _decodes(self) -> "Attachment":
        try:
            base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError):
            raise WrongField("content", "is not base64") from None
        return self

    def attached(self) -> Attached:
        """The file as the composer takes it."""
        inline = self.disposition == "inline" or (self.disposition is None and self.content_id is not None)
        data = base64.b64decode(self.content)
        return Attached(self.filename, self.content_type, data, self.content_id or "", inline)


class SendRequest(Given):
    """A message to judge and send."""

    mailbox_id: Annotated[Line, Field(description="Id, name or address. A key of one mailbox may leave it out.")] = (
        Field(default="", examples=["sales-agent"])
    )
    to: Recipients = Field(
        default_factory=list,
        examples=["prospect@example.com"],
        description="At least one of `to`, `cc` and `bcc` is needed.",
    )
    cc: Recipients = Field(default_factory=list)
    bcc: Recipients = Field(default_factory=list)
    reply_to: ReplyTo = Field(default_factory=list)
    subject: Line = Field(default="", examples=["Following up on our conversation"])
    body: Lines | None = Field(
        default=None, description="Plain text; another name for `text`.", examples=["Hi there, wanted to follow up..."]
    )
    text: Lines | None = Field(default=None, description="`body`, `text` or `html` is needed.")
    html: Lines | None = Field(default=None, description="The same message as a page.")
    attachments: list[Attachment] = Field(default_factory=list, max_length=100)
    headers: dict[Annotated[str, AfterValidator(_header_name)], Line] = Field(
        default_factory=dict, max_length=50, description="Header fields that have no field of their own here."
    )
    dedupe_key: Short | None = Field(
        default=None,
        description="Names one intention: a repeat gets the first decision, whatever its body.",
        examples=["followup-2026-03-24-prospect@example.com"],
    )
    campaign: Short = Field(default="", description="A name to find and count it by.")
    metadata: Metadata = Field(default_factory=dict, description=f"Kept, not sent; at most {MOST_METADATA} characters.")
    send_at: Moment | None = Field(default=None, description="Sends later.")
    message_class: Annotated[
        MailClass | None,
        Field(
            alias="class",
            description="Claimed class; `commercial` makes the rules stricter, other values change nothing.",
        ),
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> "SendRequest":
        if not (self.to or self.cc or self.bcc):
            raise WrongField("to", "at least one recipient is needed")
        if self.body is not None and self.text is not None:
            raise WrongField("body", "is another name for text; give one of them")
        if self.body is None and self.text is None and self.html is None:
            raise WrongField("body", "give body, text or html")
        if len({name.lower() for name in self.headers}) != len(self.headers):
            raise WrongField("headers", "a field is given twice")
        if len(str(self.metadata)) > MOST_METADATA:
            raise WrongField("metadata", f"more than {MOST_METADATA} characters")
        return self


@with_config(ConfigDict(extra="allow"))
class Check(TypedDict):
    """What one rule found; the fields not named here are its evidence."""

    rule: Annotated[str, Field(examples=["rate_limit_hourly"])]
    status: CheckStatus
    recipient: NotRequired[Annotated[str, Field(description="Absent where the whole message was judged.")]]
    reason: NotRequired[Annotated[Reason, Field(description="Absent where the rule has nothing against it.")]]
    detail: NotRequired[str]


@with_config(ConfigDict(alias_generator=to_camel))
class RecipientVerdict(TypedDict):
    """What the decision means for one recipient."""

    recipient: str
    outcome: Outcome
    rule: NotRequired[Annotated[str | None, Field(description="The rule that caused it.")]]
    reason: NotRequired[Reason]
    due: NotRequired[Annotated[DateTime, Field(description="When it leaves, if later.")]]
    first_send: NotRequired[Annotated[str | None, Field(description="The send that this one repeats.")]]


Checks = Annotated[list[dict[str, Any]], ShownAs(list[Check])]
Verdicts = Annotated[list[dict[str, Any]], ShownAs(list[RecipientVerdict])]


class SendAnswer(Told):
    """The answer to a message. A refusal by policy is an answer, not an error: `status` is `blocked`."""

    send_id: str
    status: Literal["queued", "held", "blocked", "scheduled"]
    decision: Verdict
    reason: Annotated[str, among(Reason)] | None = Field(description="The stable code of the rule that decided.")
    detail: str | None
    retry: Retry | None = Field(description="Whether the same message may pass later.")
    retry_after: int | None = Field(description="Seconds, where `retry` is `after`.")
    next: Next = Field(description="What the sender should do now.")
    replayed: bool = Field(description="This is the answer to an earlier, identical request.")
    checks: Checks
    recipients: Verdicts
    timestamp: DateTime


class SimulatedAnswer(Told):
    """What the answer would be; nothing is stored or counted."""

    status: Literal["queued", "held", "blocked", "scheduled"]
    decision: Verdict
    reason: Annotated[str, among(Reason)] | None
    detail: str | None
    retry: Retry | None
    retry_after: int | None
    next: Next
    replayed: bool
    message_class: MailClass
    failing: Checks = Field(description="Every check that failed, in the order of the rules.")
    edits: list[str] = Field(description="What would be added to the message for compliance.")
    checks: Checks
    recipients: Verdicts
    timestamp: DateTime
