"""The kinds of values a setting can have, each with an error message that a person understands.

Validators here raise ValueError with a text that continues the sentence «key: …». What they need from outside
(the folder of the file, the environment) they read from pydantic's validation context, a `Context`.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from config.durations import DURATION_PATTERN, SIZE_PATTERN, parse_duration, parse_size
from config.secrets import Secret, located, resolve

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Context:
    """What references in the file can refer to."""

    # The folder of the file, where relative paths start.
    folder: Path
    env: Mapping[str, str]


# Marks a free mapping whose keys are our own words, not names chosen by the operator: both spellings are accepted.
SPELLED = "spelled"


class Section(BaseModel):
    """A mapping of the file: frozen, without unknown keys, strict about types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )


def as_text(value: Any) -> Any:
    """Text as written: an unquoted 0123 stays 0123."""
    if isinstance(value, bool):
        # ValueError throughout: pydantic turns no other exception into an error of the field.
        raise ValueError(f'must be text; put it in quotes: "{str(value).lower()}"')  # noqa: TRY004
    if isinstance(value, int | float):
        return str(getattr(value, "written", "") or value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"must be text, not a {'mapping' if isinstance(value, Mapping) else 'list'}")
    return value


def _written(value: Any, unit: str) -> str:
    text = as_text(value)
    if not isinstance(text, str):
        raise ValueError(f"has no value; write {unit}")  # noqa: TRY004
    return text


def _context(info: ValidationInfo) -> Context:
    if not isinstance(info.context, Context):
        raise TypeError("sections with references are validated by the loader, which knows the folder")
    return info.context


def _no_control(text: str) -> str:
    # A CR or LF in a setting could start a header field or reply line of its own.
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("contains a control character")
    return text


def _secret(value: Any, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    context = _context(info)
    return resolve(_written(value, "env:NAME or file:/path"), context.folder, context.env)


def _path(value: Any, info: ValidationInfo) -> Path:
    text = _written(value, "a path").removeprefix("file:")
    if not text:
        raise ValueError("does not name a file")
    return located(text, _context(info).folder)


def _duration(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(_written(value, "30s, 15m, 24h or 7_days"))


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("must be longer than zero")
    return duration


def _size(value: Any) -> int:
    return parse_size(_written(value, "512KiB or 25MiB"))


def _money(value: Any) -> Decimal:
    text = str(value) if isinstance(value, Decimal) else _written(value, "an amount as 0.0008")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"is not an amount: {text[:40]!r}") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("must be zero or more")
    return amount


def _network(value: Any) -> Network:
    text = _written(value, "an address or network, as 10.0.0.0/8")
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"is not an address or network: {text[:60]!r}; write it like 10.0.0.0/8 or ::1") from None


def split_endpoint(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port` or, with a default, a bare host."""
    host, colon, port = text.rpartition(":")
    if default_port is not None and (not colon or _is_bare_ipv6(text)):
        host, port = text, str(default_port)
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if is_bracketed else host
    if (is_bracketed or set("[]:") & set(host)) and not _is_ipv6(host):
        host = ""
    if not host or not port.isascii() or not port.isdecimal() or not 0 <= int(port) <= 65_535 or " " in host:
        raise ValueError(f'is not host:port: {text[:60]!r}; write it like "127.0.0.1:2525" or "[::1]:2525"')
    return host, int(port)


def endpoint(host: str, port: int) -> str:
    """Host and port as `split_endpoint` reads them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_bare_ipv6(text: str) -> bool:
    return (text.count(":") > 1 and not text.startswith("[")) or (text.startswith("[") and text.endswith("]"))


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether the host can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind(text: str) -> str:
    split_endpoint(text)
    return text


def _nameserver(text: str) -> str:
    host, port = split_endpoint(text, 53)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"must be an address, not a name: {host[:60]!r}") from None
    return endpoint(host, port)


_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,98}[A-Za-z0-9])?"
_NAME = re.compile(NAME)
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def to_domain(text: str) -> str:
    """The domain as in DNS: A-labels, lower case, no final dot."""
    plain = text.strip().lower().removesuffix(".")
    if not plain.isascii():
        plain = _a_labels(plain)
    if len(plain) > 253 or not _DOMAIN.fullmatch(plain):
        raise ValueError(f"is not a domain name: {text[:60]!r}")
    if plain.rpartition(".")[2].isdigit():  # RFC 3696 §2: no top-level domain is a number
        raise ValueError(f"is an IP address or ends in a number, which is not a domain name: {text[:60]!r}")
    return plain


def _a_labels(text: str) -> str:
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"is not a domain name: {text[:60]!r} ({error})") from None


def to_address(text: str) -> str:
    """A plain address with its domain in A-labels; the strict grammar is enforced where mail is parsed."""
    local, at, domain = text.rpartition("@")
    if not at or not local or len(local) > 64 or any(character in ' <>()[],;:\\"\t' for character in local):
        raise ValueError(f"is not an address: {text[:80]!r}; write it like sales@yourcompany.com")
    if local.startswith(".") or local.endswith(".") or ".." in local or "@" in local:
        raise ValueError(f"is not an address: {text[:80]!r}; write it like sales@yourcompany.com")
    return f"{local}@{to_domain(domain)}"


def to_listed(text: str) -> str:
    """An address of a list; lists have no wildcards, though RFC 5321 allows a local part `*`."""
    if "*" in text:
        raise ValueError(f"has a wildcard, which lists do not have: {text[:80]!r}; list the domain instead")
    return to_address(text)


def _domain_pattern(text: str) -> str:
    if text.startswith("*."):
        raise ValueError(f"has a wildcard: {text[:60]!r}; write {text[1:60]!r} for every domain below it")
    if "@" in text:
        raise ValueError(f"is not a domain name: {text[:60]!r}; write what follows the @, or list it as an address")
    return f".{to_domain(text[1:])}" if text.startswith(".") else to_domain(text)


def to_name(text: str) -> str:
    """The name itself, if it is valid for a mailbox, tenant, policy or provider."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"is not a name: {text[:60]!r}; use letters and digits, between them . _ - + @, at most 100")
    return text


def _selector(text: str) -> str:
    if len(text) > 63 or not _SELECTOR.fullmatch(text):
        raise ValueError(f"is not a DKIM selector: {text[:60]!r}; use lower-case letters, digits and -")
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https") or not text.isascii() or " " in text:
        raise ValueError(f"is not a URL: {text[:80]!r}; write it like https://relay.example.com")
    if parts.username is not None:
        raise ValueError("must not contain a user name or password")
    return text.rstrip("/") if parts.path in ("", "/") and not parts.query else text


def _clock(text: str) -> str:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if match is None or int(match[1]) > 24 or int(match[2]) > 59 or (match[1] == "24" and match[2] != "00"):
        raise ValueError(f"is not a time of day: {text[:20]!r}; write it like 09:00")
    return f"{int(match[1]):02}:{match[2]}"


Text = Annotated[
    str, BeforeValidator(as_text), AfterValidator(_no_control), WithJsonSchema({"type": ["string", "number"]})
]
# Text of several lines, such as a footer.
Lines = Annotated[str, BeforeValidator(as_text)]
Name = Annotated[Text, AfterValidator(to_name), WithJsonSchema({"type": "string"})]
Domain = Annotated[Text, AfterValidator(to_domain), WithJsonSchema({"type": "string"})]
DomainPattern = Annotated[Text, AfterValidator(_domain_pattern), WithJsonSchema({"type": "string"})]
MailAddress = Annotated[Text, AfterValidator(to_address), WithJsonSchema({"type": "string"})]
ListedAddress = Annotated[Text, AfterValidator(to_listed), WithJsonSchema({"type": "string"})]
Selector = Annotated[Text, AfterValidator(_selector), WithJsonSchema({"type": "string"})]
Url = Annotated[Text, AfterValidator(_url), WithJsonSchema({"type": "string", "format": "uri"})]
Bind = Annotated[Text, AfterValidator(_bind), WithJsonSchema({"type": "string"})]
Nameserver = Annotated[Text, AfterValidator(_nameserver), WithJsonSchema({"type": "string"})]
Clock = Annotated[Text, AfterValidator(_clock), WithJsonSchema({"type": "string"})]
NetworkField = Annotated[Network, BeforeValidator(_network), WithJsonSchema({"type": "string"})]
SecretField = Annotated[
    Secret,
    BeforeValidator(_secret),
    WithJsonSchema({"type": ["string", "number"], "description": "env:NAME or file:/path"}),
]
FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    # Of numbers only 0 needs no unit.
    WithJsonSchema({"type": ["string", "integer"], "pattern": DURATION_PATTERN, "minimum": 0, "maximum": 0}),
]
Wait = Annotated[Duration, AfterValidator(_positive)]
Size = Annotated[
    int,
    BeforeValidator(_size),
    Field(strict=False),
    WithJsonSchema({"type": ["string", "integer"], "pattern": SIZE_PATTERN}),
]
Money = Annotated[Decimal, BeforeValidator(_money), WithJsonSchema({"type": ["string", "number"], "minimum": 0})]
# What every store and library can hold; a larger number is a typing error.
MOST = 2_147_483_647
Count = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Share = Annotated[float, Field(ge=0)]


class Listening(Section):
    """A section that says where to listen."""

    bind: Bind

    @property
    def host(self) -> str:
        return split_endpoint(self.bind)[0]

    @property
    def port(self) -> int:
        return split_endpoint(self.bind)[1]

    @property
    def own_address(self) -> tuple[str, int]:
        """Where this machine itself reaches it: a wildcard cannot be called."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host), self.port  # noqa: S104 - compared
