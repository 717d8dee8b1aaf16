"""What a command says when it cannot do what it was asked: one line, and an exit code.

    Refused     1   it was understood and is not possible: not found, taken, not in that state
    BadUsage    2   the arguments make no sense together

Configuration that cannot be used exits with 2, everything else that is known with 1. What
nobody expected exits with 1 too and says so; GATEPOST_DEBUG=1 shows its traceback.
"""

from collections.abc import Iterator
from errno import EACCES, EDQUOT, EEXIST, EIO, ENOSPC, ENOTDIR, EROFS

from relay.cli.output import safe

EXIT_REFUSED = 1
EXIT_USAGE = 2


class Refused(Exception):
    """The request cannot be fulfilled; the text says why in one line."""


class BadUsage(Exception):
    """The arguments contradict each other."""


# By name, so that reporting an error imports nothing that the command itself did not need.
_KNOWN = {
    "relay.cli.errors.Refused": EXIT_REFUSED,
    "relay.cli.errors.BadUsage": EXIT_USAGE,
    "config.errors.ConfigError": EXIT_USAGE,
    "config.errors.SecretMissing": EXIT_USAGE,
    "relay.mail.address.AddressError": EXIT_USAGE,
    "relay.mail.dkim_key.DkimKeyError": EXIT_USAGE,
    "relay.store.errors.Unknown": EXIT_REFUSED,
    "relay.store.errors.Ambiguous": EXIT_REFUSED,
    "relay.store.errors.Taken": EXIT_REFUSED,
    "relay.store.errors.InUse": EXIT_REFUSED,
    "relay.store.errors.Declared": EXIT_REFUSED,
    "relay.store.rotation.Rotating": EXIT_REFUSED,
    "relay.store.approvals.NotWaiting": EXIT_REFUSED,
    "relay.store.approvals.Changed": EXIT_REFUSED,
    "relay.store.engine.StoreUnusable": EXIT_REFUSED,
    "relay.store.writer.Unavailable": EXIT_REFUSED,
    "relay.store.vault.BadKey": EXIT_USAGE,
    "relay.store.vault.Sealed": EXIT_REFUSED,
    "relay.submission.certificate.CertificateError": EXIT_USAGE,
    "relay.app.instance.AlreadyRunning": EXIT_REFUSED,
    "sqlalchemy.exc.DBAPIError": EXIT_REFUSED,
    "smtplib.SMTPException": EXIT_REFUSED,
    "builtins.OSError": EXIT_REFUSED,
}

# The system's error about a file, and what to do about it.
_REMEDIES = {
    EEXIST: "a file is where a folder is needed; move it, or choose another path",
    ENOTDIR: "a file is where a folder is needed; move it, or choose another path",
    EACCES: "permission denied; check who owns it and its folder, and which user runs this",
    EROFS: "its disk is mounted read-only; find out why, and mount it writable",
    ENOSPC: "its disk is full; free some space",
    EDQUOT: "its disk quota is used up; free some space, or raise the quota",
    EIO: "its disk is failing (input/output error)",
}


def exit_code(error: Exception) -> int | None:
    """The exit code of an expected error, otherwise None."""
    return next((_KNOWN[name] for name in _names(error) if name in _KNOWN), None)


def words(error: Exception) -> str:
    """The message of an error, in one line."""
    names = set(_names(error))
    if "config.errors.ConfigError" in names:
        first, *others = getattr(error, "problems", (error,))
        text = f"{first} (and {len(others)} more: gatepost config check)" if others else str(first)
    elif "sqlalchemy.exc.DBAPIError" in names:
        text = f"the store cannot be used: {getattr(error, 'orig', error)}"
    elif noun := _listed(error, names):
        text = f"{error} (see gatepost {noun} list)"
    elif isinstance(error, OSError) and error.strerror:
        said = _REMEDIES.get(error.errno or 0, error.strerror)
        text = f"{error.filename}: {said}" if error.filename else said
    else:
        text = str(error)
    return one_line(text) or type(error).__name__


def _listed(error: Exception, names: set[str]) -> str:
    """The commands whose list has what the caller may have meant; "" if there are none."""
    if "relay.store.approvals.NotWaiting" in names:
        return "hold"
    kind = str(getattr(error, "kind", "")) if "relay.store.errors.Unknown" in names else ""
    return "queue" if kind == "send" else kind


def one_line(text: str) -> str:
    """`text` without line breaks and control characters: text from outside must not control a terminal."""
    return safe("; ".join(line.strip() for line in text.splitlines() if line.strip()))


def _names(error: Exception) -> Iterator[str]:
    return (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
