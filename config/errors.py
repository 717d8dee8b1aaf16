"""What is wrong with a configuration, one problem a line.

    ConfigError          the file cannot be used; carries every problem found, not only the first
    SecretMissing        a secret was needed, but its reference leads nowhere

A problem names the source, the line, the key as the operator spelled it, and what was probably meant:
`gatepost.yaml:12: policies.default.rateLimits.hourlly: unknown key; did you mean hourly?`
It never contains the value of a secret.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    # File name, or the name of the environment variable from which the value came.
    source: str
    # Line in the file, from 1; 0 where there is none.
    line: int
    # The key as spelled: `mailboxes[0].fromAddress`; empty for the file as a whole.
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        line = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        # Keys and values come from the file, so line breaks and escape sequences in them are replaced.
        return "".join(character if character.isprintable() else "?" for character in line)


class ConfigError(Exception):
    """The configuration cannot be used. `str()` gives one problem a line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SecretMissing(Exception):
    """The reference of a secret leads nowhere; the text names the reference, never a value."""
