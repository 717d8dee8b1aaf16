"""The DNS records a sending domain needs, and what is wrong with the existing ones.

The expected records depend only on the domain, its keys and the configuration; the verdicts on these and on
what DNS says. A name server that does not answer changes nothing: the record is `unknown`, and a verified
domain stays verified.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from config.settings import Settings
from config.types import is_loopback
from relay.mail.dns import NoAnswer, Resolver
from relay.store.engine import loads
from relay.store.keys import LEAVE_PUBLISHED

Type = Literal["TXT", "CNAME", "MX"]
Purpose = Literal["ownership", "dkim", "spf", "dmarc", "bounces"]
Key = Literal["pending", "active", "retired"]
Status = Literal["pending", "valid", "missing", "wrong", "unknown"]

LABEL = "_gatepost"
MARK = "gatepost-verification="


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record to publish; `needs` lists what a published record must contain to be sufficient.

    `key` is the status of the DKIM key in the record, "" for other records; `advice` is a sentence that
    follows from it.
    """

    type: Type
    name: str
    value: str
    purpose: Purpose
    needs: tuple[str, ...] = ()
    key: Key | Literal[""] = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A record and its status; `problem` is a sentence that says what to do."""

    wanted: Wanted
    status: Status
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the API tells it."""
        w = self.wanted
        return {
            "type": w.type,
            "name": w.name,
            "value": w.value,
            "purpose": w.purpose,
            "status": self.status,
            "problem": self.problem or None,
            "key": w.key or None,
            "advice": w.advice or None,
        }


def wanted(row: Any, keys: Sequence[Any], settings: Settings) -> list[Wanted]:
    """Every record the domain (a row of `domains`) should have; `keys` are those of `keys.of_domain`."""
    name = row.name
    records = [_ownership(row, settings)] if row.verification != "trusted" else []
    records += [_dkim(name, key) for key in keys]
    mechanisms = _mechanisms(settings)
    early = "wait with it: it will name the providers of the file, and none there needs it yet"
    advice = early if "a:localhost" in mechanisms else ""
    records.append(Wanted("TXT", name, f"v=spf1 {' '.join(mechanisms)} ~all", "spf", mechanisms, advice=advice))
    records.append(Wanted("TXT", f"_dmarc.{name}", "v=DMARC1; p=none", "dmarc"))
    bounce = str(settings.inbound.bounce_domain or "")
    if bounce == name or bounce.endswith(f".{name}"):
        host = settings.server.hostname
        records.append(Wanted("MX", bounce, f"10 {host}", "bounces", (host,)))
    return records


def last_seen(row: Any, keys: Sequence[Any], settings: Settings) -> list[Found]:
    """The records a domain should have, as DNS had them when last asked; that is stored in the API's form."""
    known = {(r["type"], r["name"], r["value"]): r for r in loads(row.records)}
    found = []
    for record in wanted(row, keys, settings):
        then = known.get((record.type, record.name, record.value))
        found.append(Found(record, then["status"], then["problem"] or "") if then else Found(record, "pending"))
    return found


def _dkim(name: str, key: Any) -> Wanted:
    advice = ""
    if key.status == "pending":
        advice = "this key signs as soon as DNS shows all the new ones; until then the old ones do"
    elif key.status == "retired":
        until = f"{datetime.fromtimestamp((key.retired_at + LEAVE_PUBLISHED) / 1000, UTC):%Y-%m-%d}"
        advice = (
            f"this key signs no more; leave its record published until {until}, for mail on its way, then remove it"
        )
    needs = (_tag(key.public, "p"),)
    return Wanted("TXT", f"{key.selector}._domainkey.{name}", key.public, "dkim", needs, key.status, advice)


def _ownership(row: Any, settings: Settings) -> Wanted:
    if row.verification == "cname":
        target = f"{row.token}.{settings.server.hostname}".lower()
        return Wanted("CNAME", f"{LABEL}.{row.name}", target, "ownership", (target,))
    value = f"{MARK}{row.token}"
    return Wanted("TXT", f"{LABEL}.{row.name}", value, "ownership", (value,))


def _mechanisms(settings: Settings) -> tuple[str, ...]:
    """What SPF has to allow: each provider's include, or the host of a relay given by host; else our own host name."""
    found = []
    for provider in settings.providers:
        if provider.preset.spf_include:
            found.append(f"include:{provider.preset.spf_include}")
        elif provider.host and not is_loopback(provider.host):
            found.append(_of_host(provider.host))
    return tuple(dict.fromkeys(found)) or (f"a:{settings.server.hostname}",)


def _of_host(host: str) -> str:
    if ":" in host:
        return f"ip6:{host}"
    return f"ip4:{host}" if host.replace(".", "").isdigit() else f"a:{host}"


# -- judging --------------------------------------------------------------------------------


async def check(row: Any, keys: Sequence[Any], settings: Settings, resolver: Resolver) -> list[Found]:
    """Ask DNS for all records a domain should have, at once."""
    return list(await asyncio.gather(*(_check(record, resolver) for record in wanted(row, keys, settings))))


async def _check(record: Wanted, resolver: Resolver) -> Found:
    try:
        if record.type == "CNAME":
            there = [name] if (name := await resolver.cname(record.name)) else []
        elif record.type == "MX":
            there = await resolver.mx(record.name)
        else:
            there = await resolver.txt(record.name)
    except NoAnswer:
        return Found(record, "unknown", "the name server gave no answer; ask again later")
    return judge(record, there)


def judge(record: Wanted, there: Sequence[str]) -> Found:
    """The verdict on what is published under the record's name."""
    match record.purpose:
        case "spf":
            return _judge_spf(record, [t for t in there if t.lower().split(" ")[0] == "v=spf1"])
        case "dmarc":
            return _judge_dmarc(record, [t for t in there if t.lower().startswith("v=dmarc1")])
        case "dkim":
            return _judge_dkim(record, there)
    plain = [t.strip().lower().removesuffix(".") for t in there]
    if any(need.lower() in plain for need in record.needs):
        return Found(record, "valid")
    if not there:
        return _missing(record)
    return Found(record, "wrong", f"there is «{_short(there[0])}»; publish the value shown")


def _judge_dkim(record: Wanted, there: Sequence[str]) -> Found:
    if not there:
        return _missing(record)
    keys = [_tag(text, "p") for text in there]
    if record.needs[0] in keys:
        return Found(record, "valid")
    if "" in keys and len(keys) == 1:
        return Found(record, "wrong", "the key published here is revoked (empty p=); publish the value shown")
    return Found(record, "wrong", "another key is published here; publish the value shown, without line breaks")


def _judge_spf(record: Wanted, there: Sequence[str]) -> Found:
    if not there:
        return Found(record, "missing") if record.advice else _missing(record)
    if len(there) > 1:  # RFC 7208 §4.5: more than one SPF record is a permanent error
        return Found(record, "wrong", "there are several SPF records; merge them into one")
    words = there[0].lower().split()
    lacking = [need for need in record.needs if need.lower() not in words and f"+{need}".lower() not in words]
    if lacking:
        return Found(record, "wrong", f"the SPF record lacks {' '.join(lacking)}; add it before «all»")
    return Found(record, "valid")


def _judge_dmarc(record: Wanted, there: Sequence[str]) -> Found:
    if not there:
        return _missing(record)
    if len(there) > 1:  # RFC 7489 §6.6.3: with more than one, none applies
        return Found(record, "wrong", "there are several DMARC records; keep one")
    if not _tag(there[0], "p"):
        return Found(record, "wrong", "the DMARC record has no policy (p=)")
    return Found(record, "valid")


def _missing(record: Wanted) -> Found:
    return Found(record, "missing", f"publish this {record.type} record; it may take an hour to be seen")


def _tag(text: str, name: str) -> str:
    """One tag of a DKIM or DMARC record; whitespace inside a value is folding and ignored (RFC 6376 §3.2)."""
    for part in text.split(";"):
        tag, equals, value = part.partition("=")
        if equals and tag.strip().lower() == name:
            return "".join(value.split())
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
