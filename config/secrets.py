"""Secrets by reference: `env:NAME`, `file:/run/secrets/x`, or (with a warning) a literal.

A `Secret` shows its reference and never its value: not in repr, str, format, a traceback's locals, a JSON dump
or a pickle. Only `reveal()` returns the value; if the reference leads nowhere, it raises SecretMissing, which
names the reference. `env:NAME` falls back to the file named by `NAME_FILE`, as containers hand out secrets. A
file is read when the configuration is loaded, and again on reload; line ends after the value are dropped. An
empty value counts as missing.
"""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from config.errors import SecretMissing

# Enough for any key or password; anything longer is the wrong file.
_LARGEST_FILE = 65_536


class Secret:
    """A secret value with the reference from which it came."""

    __slots__ = ("_value", "missing", "reference")

    def __init__(self, reference: str, value: str | None, missing: str = "") -> None:
        # What may be shown: `env:NAME`, `file:/path` or `literal`.
        self.reference = reference
        # Why there is no value; empty if there is one.
        self.missing = missing
        self._value = value

    @classmethod
    def literal(cls, value: str) -> "Secret":
        return cls("literal", value)

    @property
    def is_literal(self) -> bool:
        return self.reference == "literal"

    @property
    def is_set(self) -> bool:
        return self._value is not None

    def reveal(self) -> str:
        """The value. Raises SecretMissing if the reference led nowhere."""
        if self._value is None:
            raise SecretMissing(f"{self.reference}: {self.missing}")
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.reference})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._value is None or other._value is None:
            return self._value is other._value and self.reference == other.reference
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


def located(name: str, folder: Path) -> Path:
    """The path of the file of that name, relative to `folder`. Raises ValueError if there can be none."""
    if "\0" in name:
        raise ValueError("contains a control character")
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:  # a user unknown on this machine, or no user at all
        raise ValueError(f"{Path(name).parts[0]} is not a home folder on this machine") from None


def resolve(text: str, folder: Path, env: Mapping[str, str]) -> Secret:
    """The secret to which `text` refers; relative paths start at `folder`, where the configuration file is."""
    if text.startswith("env:"):
        return _from_environment(text[4:].strip(), folder, env)
    if text.startswith("file:"):
        return _from_file(text, text[5:].strip(), folder)
    return Secret.literal(text) if text else Secret("literal", None, "is empty; write env:NAME or file:/path")


def _from_environment(name: str, folder: Path, env: Mapping[str, str]) -> Secret:
    reference = f"env:{name}"
    if not name:
        return Secret(reference, None, "does not name a variable")
    if value := env.get(name):
        return Secret(reference, value)
    if path := env.get(f"{name}_FILE"):
        return _from_file(f"{reference}_FILE", path, folder)
    return Secret(reference, None, f"the environment variable {name} is not set")


def _from_file(reference: str, name: str, folder: Path) -> Secret:
    if not name:
        return Secret(reference, None, "does not name a file")
    try:
        with located(name, folder).open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
        value = raw.decode().rstrip("\r\n")
    except OSError as error:
        return Secret(reference, None, f"cannot be read: {(error.strerror or 'input/output error').lower()}")
    except UnicodeDecodeError:
        return Secret(reference, None, "is not text (UTF-8)")
    except ValueError as error:
        return Secret(reference, None, str(error))
    if len(raw) > _LARGEST_FILE:
        return Secret(reference, None, "is larger than 64 KiB")
    return Secret(reference, value) if value else Secret(reference, None, "is empty")
