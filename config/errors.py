"""What is wrong with a configuration, one line a problem.

    ConfigError          the file cannot be used; carries every problem found, not just the first
    SecretMissing        a secret was asked for whose reference leads nowhere

A problem names the source, the line, the key as the operator spelled it, and what
was meant: `gatepost.yaml:12: policies.default.rateLimits.hourlly: unknown key; did you mean hourly?`
It never contains the value of a secret.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    # File name, or the name of the environment variable the value came from.
    source: str
    # Line in the file, from 1; 0 where there is none.
    line: int
    # The key, as spelled: `mailboxes[0].fromAddress`; empty for the file as a whole.
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        line = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        # Keys and values come from the file: a line break or an escape sequence in one stays harmless.
        return "".join(character if character.isprintable() else "?" for character in line)


class ConfigError(Exception):
    """The configuration cannot be used. `str()` is one line a problem."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SecretMissing(Exception):
    """A secret's reference leads nowhere; the text names the reference, never a value."""
