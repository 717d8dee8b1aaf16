"""Facts and state as plain data and back, so that a changed policy can be tried on past traffic.

What is recorded with a decision is enough to make the decision again without guessing. Fields
with default values are left out, but None meaning «could not be read» is written. Sketches are
packed. Given the facts, `state_to_json` records of earlier messages only whether they were
alike, since the rules ask nothing else: the record does not grow with the number of messages a
person gets, nor with mail scheduled for much later.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from itertools import compress
from operator import attrgetter, ne
from struct import pack, unpack
from typing import Any

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from policy.facts import Defect, Facts, RecipientFacts
from policy.moment import END_OF_TIME
from policy.rules.sameness import alike
from policy.state import (
    Cluster,
    Consent,
    DomainState,
    Earlier,
    Limits,
    MailboxState,
    Rates,
    RecipientState,
    Sent,
    State,
    Suppression,
    TenantState,
)
from policy.usage import Usage, Window, hourly

ALIKE = "="  # replaces a sketch that is like that of the facts


class _Sparse:
    """Writes those fields of one class that differ from their defaults."""

    def __init__(self, cls: Any, *apart: str) -> None:
        plain = sorted((f for f in fields(cls) if f.name not in apart), key=lambda f: _default(f) is not NODEFAULT)
        self._names = tuple(f.name for f in plain)
        self._held = attrgetter(*self._names)
        self._defaults = tuple(map(_default, plain))

    def write(self, value: Any) -> dict[str, Any]:
        held = self._held(value)
        return dict(compress(zip(self._names, held, strict=True), map(ne, held, self._defaults)))


def _default(field: FieldInfo) -> Any:
    """The field's default, or NODEFAULT, which differs from every value."""
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


_FACTS = _Sparse(Facts, "recipients", "identity_defects", "form_defects", "ambiguities", "sketch")
_RECIPIENT_FACTS = _Sparse(RecipientFacts)
_LIMITS = _Sparse(Limits)
_TENANT = _Sparse(TenantState, "limits", "usage")
_MAILBOX = _Sparse(MailboxState, "tightened", "usage", "fan_out")
_DOMAIN = _Sparse(DomainState, "to_come")
_CONSENT = _Sparse(Consent)
_KNOWN = _Sparse(RecipientState, "suppressions", "consent", "earlier", "recent")

_DEFECTS = ("identity_defects", "form_defects", "ambiguities")
_CLASSES = ("allowed_classes", "tightened_classes")
_FACT_TUPLES = ("sender_addresses", "name_suspicions", "features", "secrets", "canaries", "flaws")


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Facts as plain data."""
    data = _FACTS.write(facts)
    data["recipients"] = [_RECIPIENT_FACTS.write(r) for r in facts.recipients]
    for name in _DEFECTS:
        if defects := getattr(facts, name):
            data[name] = [[d.code, d.detail, d.line] for d in defects]
    if facts.sketch:
        data["sketch"] = _packed(facts.sketch)
    return data


def facts_from_json(data: Mapping[str, Any]) -> Facts:
    """The facts that `facts_to_json` wrote."""
    read = dict(data)
    read["recipients"] = tuple(RecipientFacts(**r) for r in data["recipients"])
    for name in _DEFECTS:
        if name in data:
            read[name] = tuple(Defect(*d) for d in data[name])
    for name in _FACT_TUPLES:
        if name in data:
            read[name] = tuple(data[name])
    if "sketch" in data:
        read["sketch"] = _unpacked(data["sketch"])
    return Facts(**read)


def state_to_json(state: State, facts: Facts | None = None, until: int = END_OF_TIME) -> dict[str, Any]:
    """State as plain data; given `facts`, without what the rules do not look at for them.

    `until` is the latest time the rules asked about: counts more than a window after it are left out.
    """
    sketch = facts.sketch if facts else None
    tenant = _TENANT.write(state.tenant)
    _put(tenant, limits=_LIMITS.write(state.tenant.limits), usage=_usage(state.tenant.usage, until))
    data: dict[str, Any] = {
        "tenant": tenant,
        "mailbox": _mailbox(state.mailbox, sketch, until),
        "recipients": {key: _known(known, sketch) for key, known in state.recipients.items()},
    }
    if state.domain is not None:
        data["domain"] = _DOMAIN.write(state.domain)
        _put(data["domain"], to_come=list(state.domain.to_come.items()))
    if state.rates is None or state.rates:
        data["rates"] = state.rates and [_rates(r) for r in state.rates]
    throttles = {name: _window(window, until) for name, window in state.throttles.items()}
    _put(data, throttles={name: written for name, written in throttles.items() if written}, extra=state.extra)
    if state.answered is not None:
        data["answered"] = _earlier(state.answered)
    return data


def state_from_json(data: Mapping[str, Any], facts: Facts | None = None) -> State:
    """The state that `state_to_json` wrote; `facts` must be the same."""
    sketch = facts.sketch if facts else ()
    tenant, domain, rates = dict(data["tenant"]), data.get("domain"), data.get("rates", ())
    tenant["limits"], tenant["usage"] = Limits(**tenant.get("limits", {})), _usage_read(tenant.get("usage", {}))
    return State(
        tenant=TenantState(**tenant),
        mailbox=_mailbox_read(data["mailbox"], sketch),
        domain=DomainState(**{**domain, "to_come": dict(domain.get("to_come", ()))}) if domain else None,
        recipients={key: _known_read(known, sketch) for key, known in data["recipients"].items()},
        rates=None if rates is None else tuple(Rates(*r) for r in rates),
        throttles={name: _window_read(hourly(), written) for name, written in data.get("throttles", {}).items()},
        answered=Earlier(*data["answered"]) if "answered" in data else None,
        extra=data.get("extra", {}),
    )


def _rates(rates: Rates) -> list[Any]:
    """The counts in field order; `refused` only if it is not 0."""
    counts = [*_COUNTS(rates)]
    return [*counts, rates.refused] if rates.refused else counts


_COUNTS = attrgetter("window", "sent", "delivered", "bounced", "complained", "scope")


def _earlier(earlier: Earlier) -> list[Any]:
    return [earlier.kind, earlier.send_id, earlier.at]


def _put(data: dict[str, Any], **values: Any) -> None:
    data.update({name: value for name, value in values.items() if value})


def _mailbox(mailbox: MailboxState, sketch: tuple[int, ...] | None, until: int) -> dict[str, Any]:
    data = _MAILBOX.write(mailbox)
    clusters = [[shown, c.times] for c in mailbox.fan_out if (shown := _sketch(c.sketch, sketch))]
    _put(data, tightened=_LIMITS.write(mailbox.tightened), usage=_usage(mailbox.usage, until), fan_out=clusters)
    return data


def _mailbox_read(data: Mapping[str, Any], sketch: tuple[int, ...]) -> MailboxState:
    read = dict(data)
    read["addresses"] = tuple(data["addresses"])
    for name in _CLASSES:
        if name in data:
            read[name] = tuple(data[name])
    read["tightened"] = Limits(**data.get("tightened", {}))
    read["usage"] = _usage_read(data.get("usage", {}))
    read["fan_out"] = tuple(Cluster(_sketch_read(s, sketch), tuple(times)) for s, times in data.get("fan_out", ()))
    return MailboxState(**read)


def _known(known: RecipientState, sketch: tuple[int, ...] | None) -> dict[str, Any]:
    data = _KNOWN.write(known)
    if known.suppressions is None or known.suppressions:
        data["suppressions"] = known.suppressions and [[s.scope, s.kind, s.since] for s in known.suppressions]
    if known.consent is not None:
        data["consent"] = _CONSENT.write(known.consent)
    if known.earlier is None or known.earlier:
        data["earlier"] = known.earlier and [_earlier(e) for e in known.earlier]
    if known.recent is None:
        data["recent"] = None
    elif known.recent:
        _put(data, recent=[[s.at, shown] for s in known.recent if (shown := _sketch(s.sketch, sketch))])
    return data


def _known_read(data: Mapping[str, Any], sketch: tuple[int, ...]) -> RecipientState:
    read = dict(data)
    if data.get("suppressions"):
        read["suppressions"] = tuple(Suppression(*s) for s in data["suppressions"])
    if "consent" in data:
        read["consent"] = Consent(**data["consent"])
    if "leaving" in data:
        read["leaving"] = tuple(data["leaving"])
    if data.get("earlier"):
        read["earlier"] = tuple(Earlier(*e) for e in data["earlier"])
    if data.get("recent"):
        read["recent"] = tuple(Sent(at, _sketch_read(s, sketch)) for at, s in data["recent"])
    return RecipientState(**read)


def _sketch(other: tuple[int, ...], sketch: tuple[int, ...] | None) -> str:
    """How a sketch is written; empty if it is not alike and so does not matter."""
    if sketch is None:
        return _packed(other)
    return ALIKE if sketch and alike(sketch, other) else ""


def _sketch_read(written: str, sketch: tuple[int, ...]) -> tuple[int, ...]:
    return sketch if written == ALIKE else _unpacked(written)


def _packed(sketch: tuple[int, ...]) -> str:
    return b64encode(pack(f">{len(sketch)}I", *sketch)).decode("ascii")


def _unpacked(text: str) -> tuple[int, ...]:
    data = b64decode(text)
    return unpack(f">{len(data) // 4}I", data)


def _usage(usage: Usage, until: int) -> dict[str, Any]:
    full = [(name, window) for name, window in usage.windows() if window.buckets]
    return {name: written for name, window in full if (written := _window(window, until))}


def _window(window: Window, until: int) -> list[Any]:
    """First bucket, offsets from it, counts, newest bucket the clock reached; empty without buckets."""
    buckets, last = window.buckets, until // window.width + window.span
    if not buckets:
        return []
    if max(buckets) > last:
        buckets = {bucket: count for bucket, count in buckets.items() if bucket <= last}
        if not buckets:
            return []
    first = min(buckets)
    return [first, [b - first for b in buckets], [*buckets.values()], window.head - first]


def _usage_read(data: Mapping[str, Iterable[Any]]) -> Usage:
    usage = Usage()
    for name, window in usage.windows():
        if name in data:
            _window_read(window, data[name])
    return usage


def _window_read(window: Window, data: Iterable[Any]) -> Window:
    first, distances, counts, head = data
    window.buckets = {first + d: n for d, n in zip(distances, counts, strict=True)}
    window.head = first + head
    return window
