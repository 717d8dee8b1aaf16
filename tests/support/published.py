"""The DNS records of the keys with which messages are signed."""

from collections.abc import Callable, Iterable

from relay.mail.dkim import Signer


def records(signers: Iterable[Signer]) -> dict[str, str]:
    """The TXT records by name."""
    return {f"{signer.selector}._domainkey.{signer.domain}": signer.key.record for signer in signers}


def dns(signers: Iterable[Signer]) -> Callable[..., bytes]:
    """A resolver function for dkimpy."""
    known = records(signers)
    return lambda name, timeout=5: known[name.decode().rstrip(".")].encode()
