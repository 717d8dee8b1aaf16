"""What DNS says of the keys that messages are signed with."""

from collections.abc import Callable, Iterable

from relay.mail.dkim import Signer


def records(signers: Iterable[Signer]) -> dict[str, str]:
    """The TXT records by name."""
    return {f"{signer.selector}._domainkey.{signer.domain}": signer.key.record for signer in signers}


def dns(signers: Iterable[Signer]) -> Callable[..., bytes]:
    """Answers dkimpy."""
    known = records(signers)
    return lambda name, timeout=5: known[name.decode().rstrip(".")].encode()
