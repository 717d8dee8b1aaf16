"""The name server on loopback, asked by dnspython as Gatepost asks it."""

import dns.asyncresolver
import dns.rcode
import dns.resolver
import pytest


def resolver(nameserver) -> dns.asyncresolver.Resolver:
    made = dns.asyncresolver.Resolver(configure=False)
    host, _, port = nameserver.address.rpartition(":")
    made.nameservers, made.port, made.lifetime = [host], int(port), 3.0
    return made


async def test_what_is_published_is_found_whatever_its_length(nameserver):
    nameserver.publish("K._domainkey.x.test", "TXT", 'v=DKIM1; p="' + "A" * 392)
    (record,) = await resolver(nameserver).resolve("k._domainkey.x.test", "TXT")
    assert b"".join(record.strings) == b'v=DKIM1; p="' + b"A" * 392
    assert nameserver.asked == [("k._domainkey.x.test", "TXT")]


async def test_names_point_elsewhere_by_cname(nameserver):
    nameserver.publish("a.test", "CNAME", "b.test.")
    (record,) = await resolver(nameserver).resolve("a.test", "CNAME")
    assert record.target.to_text() == "b.test."


async def test_it_fails_as_it_is_told(nameserver):
    nameserver.publish("a.test", "A", "192.0.2.1")
    ask = resolver(nameserver).resolve
    with pytest.raises(dns.resolver.NXDOMAIN):
        await ask("b.test", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        await ask("a.test", "TXT")
    nameserver.failure = dns.rcode.SERVFAIL
    with pytest.raises(dns.resolver.NoNameservers):
        await ask("a.test", "A")
    nameserver.silent = True
    with pytest.raises(dns.resolver.LifetimeTimeout):
        await ask("a.test", "A")
