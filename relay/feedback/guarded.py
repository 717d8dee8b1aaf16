"""HTTP calls to URLs chosen by others: not to internal addresses, not elsewhere by redirect, and limited (faults H14).

The name is resolved here, all its addresses are checked, and the connection goes to whichever of
these answers first, so a different later DNS answer has no effect (rebinding). Redirects are not
followed. Private networks are allowed only by the operator's own file; link-local addresses,
where clouds keep credentials, never. The certificate is verified for the requested name.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Self
from urllib.parse import urlsplit

import httpcore2 as httpcore
from msgspec import Struct

from relay.names import addresses
from relay.reach import first

PORTS = frozenset({80, 443, 8443})
MAX_ANSWER = 64 << 10
MAX_TIME = 10.0  # seconds
MAX_ADDRESSES = 32

# Gives the host's addresses as text; raises OSError if there are none.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# In addition to what `is_global` excludes: networks that can lead inside through a translator or relay.
_TRANSLATED = tuple(ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
_NAT64, _OWN_NAT64 = _TRANSLATED[:2]


class Forbidden(ValueError):
    """The URL or address must not be called; the message says which rule it breaks."""


class CallFailed(Exception):
    """There was no answer, or not in time, or not in HTTP."""


class Answer(Struct, frozen=True):
    """The answer: the status, and the beginning of the body, after the targets of a redirect if there are any."""

    code: int
    body: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host according to the system's resolver."""
    return [str(entry[4][0]) for entry in await addresses(host, port)]


def check_url(url: str, *, allow_private: bool = False, allow_http: bool = False) -> None:
    """Raise Forbidden for a URL that must not be called, whatever it resolves to. For forms, and before each call."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443  # or 80, which is allowed as well
    except ValueError as error:
        raise Forbidden("not a URL") from error
    if parts.scheme != "https" and not ((allow_private or allow_http) and parts.scheme == "http"):
        raise Forbidden("the URL must be https")
    if parts.username is not None or parts.password is not None:
        raise Forbidden("the URL must not contain a user name or password")
    if not parts.hostname or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Forbidden("not a plain URL")
    if port not in PORTS and not allow_private:
        raise Forbidden(f"port {port} is not allowed")
    literal = _literal(parts.hostname)
    if literal is not None:
        check_address(literal, allow_private=allow_private)
    else:
        _check_labels(parts.hostname)


def _check_labels(host: str) -> None:
    """Raise Forbidden for a host name longer than RFC 1035 §2.3.4 permits."""
    name = host.removesuffix(".")
    if len(name) > 253 or not all(1 <= len(label) <= 63 for label in name.split(".")):
        raise Forbidden("not a host name: each label between the dots has 1 to 63 characters, the whole at most 253")


def check_address(address: str, *, allow_private: bool) -> None:
    """Raise Forbidden for an internal address."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(map(_is_never_called, (found, *_within(found)))):
        raise Forbidden(f"{address} is not allowed")
    if not allow_private and (_is_inside(found) or any(found in net for net in _TRANSLATED)):
        raise Forbidden(f"{address} is a private address")


def _is_never_called(found: IPv4Address | IPv6Address) -> bool:
    return found.is_link_local or found.is_multicast or found.is_unspecified or _is_metadata(found)


def _is_inside(found: IPv4Address | IPv6Address) -> bool:
    # Site-local addresses (fec0::/10) were deprecated by RFC 3879 but may still be routed where they were in use.
    return not found.is_global or (isinstance(found, IPv6Address) and found.is_site_local)


def _within(found: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses to which a translator or relay may lead (RFC 6052 §2.2, RFC 3056, RFC 4380)."""
    if isinstance(found, IPv4Address):
        return []
    number, within = int(found), list(found.teredo or ())
    if found.sixtofour is not None:
        within.append(found.sixtofour)
    if found in _NAT64 or found in _OWN_NAT64:
        within.append(IPv4Address(number & 0xFFFF_FFFF))
    if found in _OWN_NAT64:  # here the address may also follow the prefix directly, split by an octet of zeros
        within.append(IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF))
    return [one for one in within if not one.is_unspecified]


def _is_metadata(found: IPv4Address | IPv6Address) -> bool:
    """Whether clouds serve credentials there, besides link-local addresses: AWS (IPv6), Alibaba, Oracle."""
    return str(found) in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")


def _literal(host: str) -> str | None:
    """The address if the host is one, also in inet_aton's forms (decimal, octal, hex, shortened); None for a name."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    last = host.rstrip(".").rpartition(".")[2]
    if not (last[:1].isdigit() or last.lower().startswith("0x")):
        return None  # a top-level domain never begins with a digit, so this is a name
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        raise Forbidden("not a host") from None


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that it has just resolved and checked."""

    def __init__(self, find: Resolve, *, allow_private: bool) -> None:
        self._find = find
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            found = list(dict.fromkeys(await self._find(host, port)))[:MAX_ADDRESSES]
        except (OSError, UnicodeError) as error:  # UnicodeError: the name cannot be encoded for DNS
            raise httpcore.ConnectError(f"{host} has no address") from error
        for address in found:
            check_address(address, allow_private=self._allow_private)
        if not found:
            raise httpcore.ConnectError(f"{host} has no address")
        connect = self._network.connect_tcp
        ways = [partial(connect, address, port, timeout, local_address, socket_options) for address in found]
        return await first(ways, _hang_up)


async def _hang_up(stream: httpcore.AsyncNetworkStream) -> None:
    await stream.aclose()


class Line:
    """Connections kept open for several calls, each checked when it is made. Use with `async with`."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        find: Resolve = resolve,
        context: ssl.SSLContext | None = None,
        connections: int = 1,
    ) -> None:
        self._allow_private = allow_private
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context or ssl.create_default_context(),
            network_backend=_Pinned(find, allow_private=allow_private),
            max_connections=connections,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float = MAX_TIME) -> Answer:
        """POST once. Raises Forbidden or CallFailed."""
        check_url(url, allow_private=self._allow_private)
        return await self._call("POST", url, body, {"Content-Length": str(len(body)), **headers}, timeout)

    async def get(self, url: str, timeout: float = MAX_TIME) -> Answer:
        """GET once, plain http included: the result is a certificate whose chain is checked. Raises as `post`."""
        check_url(url, allow_http=True)
        return await self._call("GET", url, b"", {}, timeout)

    async def _call(self, method: str, url: str, content: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        given = [("Host", urlsplit(url).netloc), *headers.items()]
        code, body = 0, bytearray()
        try:
            async with (
                asyncio.timeout(timeout),
                self._pool.stream(method, url, headers=given, content=content) as response,
            ):
                code = response.status
                if 300 <= code < 400:  # the target is all that such an answer says
                    places = (value for name, value in response.headers if name.lower() == b"location")
                    body += b"".join(b"Location: %b\n" % place for place in places)
                await _read(response, body)
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
            OSError,  # includes TimeoutError
            UnicodeError,
        ) as error:
            if not code or method == "GET":  # for a POST the status is the answer, even if the body breaks off
                raise CallFailed(_words(error)) from error
        return Answer(code, bytes(body[:MAX_ANSWER]))


def _words(error: BaseException) -> str:
    """Why there was no answer; in the system's own words if the cause is a system error."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    number = getattr(cause, "errno", None) or 0
    if number > 0 and not isinstance(cause, ssl.SSLError):
        return os.strerror(number)
    return str(error) or "the connection was lost before an answer came"


async def _read(response: Any, body: bytearray) -> None:
    """Read MAX_ANSWER octets or slightly more; the rest is never read."""
    async for block in response.aiter_stream():
        body += block
        if len(body) >= MAX_ANSWER:
            return


def fetch(url: str) -> bytes:
    """GET, called from a thread, for certificates and confirmations of SNS. Raises OSError or ValueError."""

    async def once() -> Answer:
        async with Line() as line:
            return await line.get(url)

    try:
        answer = asyncio.run(once())
    except CallFailed as error:
        raise OSError(str(error)) from error
    if answer.code != 200:
        raise OSError(f"it answered {answer.code}")
    return answer.body
