"""A form that was refused and is shown again: with what was typed, and each problem beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from relay.http.console.words import sentence
from relay.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Form:
    """What the fields of a form contain: their defaults, or what was typed if the form was refused."""

    given: Mapping[str, str] | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether the form was refused."""
        return self.given is not None

    def value(self, name: str, default: Any = "") -> Any:
        """The content of a field."""
        return default if self.given is None else self.given.get(name, "")

    def text(self, name: str, default: Any = "") -> Markup:
        """The attributes of a text field."""
        return Markup('value="{}"').format(self.value(name, default)) + self.marks(name)

    def marks(self, name: str) -> Markup:
        """The attributes of a wrong field: it gets the focus, and a screen reader reads the reason."""
        if name not in self.wrong:
            return Markup("")
        focus = " autofocus" if name == next(iter(self.wrong)) else ""
        return Markup(' aria-invalid="true" aria-describedby="wrong-{}"{}').format(name, focus)

    def picked(self, name: str, option: str, default: str = "") -> str:
        """The attribute that marks an option as selected."""
        return " selected" if self.value(name, default) == option else ""

    def ticked(self, name: str, *, default: bool) -> str:
        """The attribute that marks a box as ticked."""
        return " checked" if (default if self.given is None else name in self.given) else ""

    def why(self, name: str) -> Markup:
        """What is wrong with a field, to be shown below it."""
        if name not in self.wrong:
            return Markup("")
        return Markup('<p class="problem" id="wrong-{}" role="alert">{}</p>').format(name, sentence(self.wrong[name]))


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was refused: where it was sent, what was typed, and the problem."""

    action: str
    given: Mapping[str, str]
    problem: Problem

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong with the fields of the form."""
        told = [(str(e["field"]).partition("[")[0], str(e["message"])) for e in self.problem.errors]
        return {name: message for name, message in told if name in self.given}

    @property
    def said(self) -> str:
        """The message above the page: whatever belongs to no field."""
        return "" if self.wrong else f"!{self.problem.detail}"

    def at(self, action: str) -> Form:
        """The form that is sent to `action`."""
        return Form(self.given, self.wrong) if action == self.action else Form()
