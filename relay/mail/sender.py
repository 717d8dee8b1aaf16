"""How a sender appears in the footer; stored with the plan, so that a failover builds the same bytes."""

from collections.abc import Mapping
from html import escape
from typing import Any

from msgspec import Struct

from relay.mail.footer import Footer
from relay.mail.footer_text import render


class Sender(Struct, frozen=True):
    """Name, postal address, language, and the mailbox's own templates if it has any.

    A template contains {name}, {address} and {unsubscribe}; in HTML the values are escaped.
    """

    name: str
    physical_address: str
    language: str = "en"
    text: str = ""
    html: str = ""

    def footer(self, unsubscribe_url: str) -> Footer:
        """The footer with this link."""
        default = render(self.name, self.physical_address, unsubscribe_url, self.language)
        values = {"{name}": self.name, "{address}": self.physical_address, "{unsubscribe}": unsubscribe_url}
        escaped = {field: escape(value).replace("\n", "<br>\n") for field, value in values.items()}
        return Footer(_filled(self.text, values) or default.text, _filled(self.html, escaped) or default.html)

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        given = {"name": self.name, "physicalAddress": self.physical_address, "language": self.language}
        return given | {k: v for k, v in (("text", self.text), ("html", self.html)) if v}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Sender":
        """The sender that `to_json` wrote."""
        return cls(
            value["name"], value["physicalAddress"], value["language"], value.get("text", ""), value.get("html", "")
        )


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Filled in one pass, so that a placeholder inside a value is not filled in as well."""
    if not template:
        return ""
    pieces, rest = [], template
    while rest:
        at, field = min(((rest.find(f), f) for f in values if f in rest), default=(-1, ""))
        if at < 0:
            break
        pieces += [rest[:at], values[field]]
        rest = rest[at + len(field) :]
    return "".join([*pieces, rest])
