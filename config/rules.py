"""The sections `policies`, `rules` and `rateLimits`, generated from the rules' own dataclasses.

Each rule of `policy.settings` becomes a section with the same fields, bounds and defaults. What a file does not
mention stays unset, so that layers can be combined: product, policy `default`, the mailbox's policy, the
mailbox itself.
"""

import dataclasses
import typing
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema, create_model

from config.names import did_you_mean
from config.types import (
    MOST,
    Clock,
    Count,
    Domain,
    DomainPattern,
    ListedAddress,
    Positive,
    Section,
    Text,
    Wait,
    as_text,
    to_domain,
)
from policy.countries import check_place, code_of
from policy.flaws import KINDS
from policy.rule import Mode, Rule
from policy.settings import OnExceed, PolicySettings, Weekday

if TYPE_CHECKING:

    class Rules(Section): ...


def _mode(value: Any) -> Any:
    # JSON and YAML 1.1 writers turn an unquoted off into false.
    return "off" if value is False else value


def _zone(text: str) -> str:
    if text not in available_timezones():
        hint = did_you_mean(text, sorted(available_timezones())) or "; write it like Europe/Berlin"
        raise ValueError(f"is not a time zone: {text[:40]!r}{hint}")
    return text


def _canary(text: str) -> str:
    if len(text.strip()) < 8:
        raise ValueError("is too short: a canary needs 8 characters, or ordinary mail would contain it")
    return text


def _flaw(kind: str) -> str:
    if kind not in KINDS:
        hint = did_you_mean(kind, list(KINDS)) or f"; known are {', '.join(KINDS)}"
        raise ValueError(f"is not a flaw: {kind[:40]}{hint}")
    return kind


def _apart(given: Any) -> Any:
    """Refuse one domain in two spellings, of which only one could count."""
    spelled: dict[str, str] = {}
    for name in given if isinstance(given, dict) else ():
        if (other := spelled.setdefault(to_domain(name), name)) != name:
            raise ValueError(f"names one domain twice, as {other} and {name}")
    return given


def _country(text: str) -> str:
    return code_of(check_place(text))


ModeField = Annotated[Mode, BeforeValidator(_mode), WithJsonSchema({"enum": [*typing.get_args(Mode), False]})]
# Fields whose text has a special form, by class and field.
_KINDS: dict[tuple[str, str], Any] = {
    ("ContentSafety", "canaries"): tuple[Annotated[Text, AfterValidator(_canary)], ...],
    ("RecipientAllowed", "addresses"): tuple[ListedAddress, ...],
    ("RecipientAllowed", "domains"): tuple[DomainPattern, ...],
    ("RecipientAllowed", "block_addresses"): tuple[ListedAddress, ...],
    ("RecipientAllowed", "block_domains"): tuple[DomainPattern, ...],
    ("ConsentValidation", "default_country"): Annotated[Text, AfterValidator(_country)],
    ("RecipientDomainThrottle", "domains"): Annotated[dict[Domain, Positive], BeforeValidator(_apart)],
    ("ContentQuality", "ignore"): tuple[Annotated[Text, AfterValidator(_flaw)], ...],
    ("Warmup", "ramp"): Annotated[tuple[Positive, ...], Field(min_length=1)],
    ("SendWindow", "days"): Annotated[tuple[Weekday, ...], Field(min_length=1)],
    ("SendWindow", "start"): Clock,
    ("SendWindow", "end"): Clock,
    ("SendWindow", "zone"): Annotated[Text, AfterValidator(_zone)],
}


class RuleSection(Section):
    """A rule's parameters; `cooldown: off` is short for `cooldown: {mode: off}`."""

    shorthand: ClassVar[str] = "mode"


# The dataclass a generated section was made from, for the schema's descriptions.
ORIGINS: dict[str, type] = {}


def _kind(owner: type, entry: "dataclasses.Field[Any]", hint: Any) -> Any:
    if chosen := _KINDS.get((owner.__name__, entry.name)):
        return chosen
    if hint == Mode:
        return ModeField
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _section(hint)
    if "least" in entry.metadata:
        number = next(kind for kind in (typing.get_args(hint) or (hint,)) if kind is not NoneType)
        most = entry.metadata["most"]
        bounds = Field(ge=entry.metadata["least"], le=MOST if most is None else most)
        return Annotated[number, bounds] | None if NoneType in typing.get_args(hint) else Annotated[number, bounds]
    return Text if hint is str else hint


def _section(origin: type) -> type[Section]:
    """The section of one rule."""
    hints = typing.get_type_hints(origin)
    made: dict[str, Any] = {
        entry.name: (_kind(origin, entry, hints[entry.name]), Field(default=_default(entry), repr=entry.repr))
        for entry in dataclasses.fields(origin)
    }
    ORIGINS[origin.__name__] = origin
    return create_model(origin.__name__, __base__=RuleSection, **made)


def _default(entry: "dataclasses.Field[Any]") -> Any:
    # Pairs are a mapping in the file; all rules have none by default.
    return {} if entry.type == tuple[tuple[str, int], ...] else entry.default


def _rules() -> type[Section]:
    hints = typing.get_type_hints(PolicySettings)
    sections = {kind: _section(kind) for kind in dict.fromkeys(hints.values()) if issubclass(kind, Rule)}
    made: dict[str, Any] = {name: (sections[kind] | None, None) for name, kind in hints.items() if kind in sections}
    return create_model("Rules", __base__=Section, **made)


if not TYPE_CHECKING:
    Rules = _rules()


PauseReply = Annotated[
    Literal["550", "451", "hold"], BeforeValidator(as_text), WithJsonSchema({"enum": ["550", "451", 550, 451, "hold"]})
]


class RateLimits(Section):
    # Recipients an hour, counted over the last 60 to 61 minutes. Default 100; 0 takes no mail,
    # null sets no limit.
    hourly: Count | None = None
    # Recipients a day, counted over the last 24 to 25 hours. Default 500.
    daily: Count | None = None
    # Recipients a month, counted over the last 30 to 31 days. Default 3000.
    monthly: Count | None = None
    # What becomes of mail over a limit: reject (default; the client is told how long to wait),
    # hold (a person decides), queue (it leaves when the window allows).
    on_exceed: OnExceed | None = None


class PolicyFields(Section):
    """What a policy can say, and a mailbox as an exception from its policy."""

    # Short for the rules rate_limit_hourly, rate_limit_daily and rate_limit_monthly.
    rate_limits: RateLimits | None = None
    # Every rule by its name, each with mode (enforce, warn, shadow, off) and its parameters.
    rules: Rules | None = None
    # A message whose recipients got different verdicts: reject_all (default), deliver_passing
    # (the others get a DSN), hold_all.
    mixed: Literal["reject_all", "deliver_passing", "hold_all"] | None = None
    # A recipient too many: tempfail (default, 452) or reject_all (the message is refused at DATA).
    over_rcpt: Literal["tempfail", "reject_all"] | None = None
    # A held message: accept (default, 250) or tempfail (451; sending it again asks for the state).
    hold_reply: Literal["accept", "tempfail"] | None = None
    # Mail of a paused tenant or mailbox: 550 (default), 451, or hold.
    pause_reply: PauseReply | None = None
    # One refused RCPT fails the whole message at DATA. Default false.
    strict_recipients: bool | None = None
    # The longest wait told as a temporary refusal. Default 24 h.
    max_tempfail: Wait | None = None


class Policy(PolicyFields):
    """A named policy. What it does not say is taken from `default`, then from the product defaults."""


Laid = TypeVar("Laid", bound=BaseModel)


def laid_over(below: Laid, above: Laid) -> Laid:
    """What `above` says; where it says nothing, what `below` says."""
    said = {name: getattr(above, name) for name in above.model_fields_set}
    for name, value in said.items():
        known = getattr(below, name)
        if isinstance(value, BaseModel) and isinstance(known, type(value)):
            said[name] = laid_over(known, value)
    return below.model_copy(update=said)
