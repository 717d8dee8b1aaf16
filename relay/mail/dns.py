"""DNS queries with the answers that mail needs. A name server that does not answer is not taken for a «no»."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver


class NoAnswer(Exception):
    """DNS could not be asked: SERVFAIL, a timeout, no server. Nothing may be concluded from it."""


class Resolver(Protocol):
    """The queries Gatepost makes. A name or record that does not exist gives an empty answer; no answer
    raises NoAnswer.
    """

    async def txt(self, name: str) -> list[str]:
        """TXT records, the strings of each joined (RFC 7208 §3.3)."""

    async def cname(self, name: str) -> str:
        """The canonical name, "" if there is none."""

    async def mx(self, name: str) -> list[str]:
        """Mail exchangers in order of preference; ["."] if the domain accepts no mail (RFC 7505)."""

    async def addresses(self, name: str) -> list[str]:
        """IPv4 and IPv6 addresses."""


class DnsResolver:
    """Asks the system's resolver, or the name servers given as host:port if there are any."""

    def __init__(self, nameservers: Sequence[str], lifetime: float) -> None:
        self.stub = dns.asyncresolver.Resolver(configure=not nameservers)
        if nameservers:
            self.stub.nameservers = [dns.nameserver.Do53Nameserver(*_split(server)) for server in nameservers]
        self.stub.lifetime = lifetime

    async def txt(self, name: str) -> list[str]:
        """TXT records, the strings of each joined."""
        return [b"".join(r.strings).decode("utf-8", "replace") for r in await self._ask(name, "TXT")]

    async def cname(self, name: str) -> str:
        """The canonical name, "" if there is none."""
        answers = await self._ask(name, "CNAME")
        return answers[0].target.to_text(omit_final_dot=True).lower() if answers else ""

    async def mx(self, name: str) -> list[str]:
        """Mail exchangers in order of preference."""
        answers = sorted(await self._ask(name, "MX"), key=lambda r: r.preference)
        return [r.exchange.to_text(omit_final_dot=True).lower() or "." for r in answers]

    async def addresses(self, name: str) -> list[str]:
        """IPv4 and IPv6 addresses."""
        v4, v6 = await asyncio.gather(self._ask(name, "A"), self._ask(name, "AAAA"))
        return [r.address for r in (*v4, *v6)]

    async def _ask(self, name: str, kind: str) -> list:  # type: ignore[type-arg]  # rdata of the kind asked for
        try:
            return list(await self.stub.resolve(name, kind, raise_on_no_answer=False))
        except (dns.resolver.NXDOMAIN, dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(f"{name} {kind}: {type(error).__name__}") from error


async def mail_host(resolver: Resolver, domain: str) -> str:
    """ok, none (no such domain, MX or address), null_mx (accepts no mail), or unknown (DNS gave no answer)."""
    try:
        exchangers = await resolver.mx(domain)
        if exchangers == ["."]:
            return "null_mx"
        # RFC 5321 §5.1: without MX, the domain's own address is the mail host.
        return "ok" if exchangers or await resolver.addresses(domain) else "none"
    except NoAnswer:
        return "unknown"


def _split(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (server, 53)
