"""A form that was not taken, as it comes back: with what was typed, and what is wrong beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from relay.http.console.words import sentence
from relay.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Form:
    """What the fields of a form hold: their defaults, or what was typed where it was not taken."""

    given: Mapping[str, str] | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether it comes back."""
        return self.given is not None

    def value(self, name: str, default: Any = "") -> Any:
        """What stands in a field."""
        return default if self.given is None else self.given.get(name, "")

    def text(self, name: str, default: Any = "") -> Markup:
        """The attributes of a text field."""
        return Markup('value="{}"').format(self.value(name, default)) + self.marks(name)

    def marks(self, name: str) -> Markup:
        """The attributes of a field that is wrong: it has the focus, and is read out with the reason."""
        if name not in self.wrong:
            return Markup("")
        focus = " autofocus" if name == next(iter(self.wrong)) else ""
        return Markup(' aria-invalid="true" aria-describedby="wrong-{}"{}').format(name, focus)

    def picked(self, name: str, option: str, default: str = "") -> str:
        """The attribute of an option."""
        return " selected" if self.value(name, default) == option else ""

    def ticked(self, name: str, *, default: bool) -> str:
        """The attribute of a box."""
        return " checked" if (default if self.given is None else name in self.given) else ""

    def why(self, name: str) -> Markup:
        """What is wrong with a field, to stand below it."""
        if name not in self.wrong:
            return Markup("")
        return Markup('<p class="problem" id="wrong-{}" role="alert">{}</p>').format(name, sentence(self.wrong[name]))


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was not taken: where it was sent, what was typed, and the problem."""

    action: str
    given: Mapping[str, str]
    problem: Problem

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong with fields of the form."""
        told = [(str(e["field"]).partition("[")[0], str(e["message"])) for e in self.problem.errors]
        return {name: message for name, message in told if name in self.given}

    @property
    def said(self) -> str:
        """What is told above the page: what stands beside no field."""
        return "" if self.wrong else f"!{self.problem.detail}"

    def at(self, action: str) -> Form:
        """The form of a page that is sent to `action`."""
        return Form(self.given, self.wrong) if action == self.action else Form()
