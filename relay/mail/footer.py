"""The compliance footer: planned when the message is judged, inserted for each recipient when it leaves.

`plan` determines for every text that a reader may be shown where the footer goes and how it is encoded there,
or why the message cannot carry one (`impossible`): it is signed, encrypted or damaged, or an HTML part would
hide the footer. In that case nothing may be edited at all. A plan is plain data and is stored with the
decision. `edits` gives the same edits for the same bytes, plan and footer, and changes only the ranges that
they name.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from msgspec import Struct

from relay.mail import bodies, charset, footer_html, transfer
from relay.mail import html as markup
from relay.mail.edit import Edit
from relay.mail.entities import unescape
from relay.mail.footer_part import PartPlan, part_edits, plan_html, plan_plain, recoded
from relay.mail.footer_structure import Added, add_part_edits, added_to, drop_range, wrapped
from relay.mail.links import text_links
from relay.mail.longline import recode_edits
from relay.mail.mime import Part, View
from relay.mail.newline import PIECE

_LEFT_OUT = "\t\r\n"  # ignored within a URL (WHATWG URL §4.4)
_MOST_SHOWN = 30  # texts in a message; each has to be parsed
_OPENPGP = (b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP SIGNED MESSAGE-----")


class Footer(NamedTuple):
    """The footer for one recipient: plain text with LF, and HTML made of `VISIBLE` block elements."""

    text: str
    html: str


class Plan(Struct, frozen=True):
    """Where the footer goes. `impossible` is the reason why it cannot go anywhere, or empty."""

    parts: tuple[PartPlan, ...] = ()
    added: tuple[Added, ...] = ()
    dropped: tuple[tuple[int, int], ...] = ()
    carried: tuple[int, ...] = ()  # start offsets of the bodies that show a working link of ours already
    impossible: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            "parts": [part._asdict() for part in self.parts],
            "added": [added._asdict() for added in self.added],
            "dropped": [list(drop) for drop in self.dropped],
            "carried": list(self.carried),
            "impossible": self.impossible,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Plan":
        """The plan that `to_json` wrote."""
        return cls(
            tuple([PartPlan(**part) for part in value["parts"]]),
            tuple([Added(**added) for added in value["added"]]),
            tuple([(start, end) for start, end in value["dropped"]]),
            tuple(value["carried"]),
            value["impossible"],
        )


def _nobodys(_url: str) -> bool:
    return False


def plan(view: View, footer: Footer, is_ours: Callable[[str], bool] = _nobodys, host: str = "") -> Plan:
    """Plan the footer. `footer` may be any recipient's; `is_ours` recognises links of ours that already work.

    `host`, in lower case, is part of every such link: a text that does not contain it is not searched for links.
    """
    if cause := _protected(view):
        return Plan(impossible=cause)
    found = bodies.find_bodies(view)
    if found.is_damaged:
        return Plan(impossible="structure_damaged")
    if len(found.shown) > _MOST_SHOWN:
        return Plan(impossible="too_many_texts")
    parts: list[PartPlan] = []
    carried: list[int] = []
    for part in found.shown:
        outcome = _plan_part(view, part, footer, is_ours, host)
        if isinstance(outcome, str):
            return Plan(impossible=outcome)
        if outcome is None:
            carried.append(part.body)
        else:
            parts.append(outcome)
    added = [added_to(gap) for gap in found.gaps]
    if not found.is_covered:
        added.append(wrapped(view))
    dropped = tuple([drop_range(*drop) for drop in found.dropped])
    return Plan(tuple(parts), tuple(added), dropped, tuple(carried))


def edits(view: View, planned: Plan, footer: Footer, recode: Collection[int] = ()) -> list[Edit]:
    """The edits for one recipient. Raises ValueError for an impossible plan.

    `recode` are the bodies that must be re-encoded anyway (`longline`); their edits are included.
    """
    if planned.impossible:
        raise ValueError(f"the message cannot carry a footer: {planned.impossible}")
    eol = line_end(view.data)
    by_body = {part.body: part for part in view.parts if not part.is_container}
    result = [Edit(start, end, b"") for start, end in planned.dropped]
    for part_plan in planned.parts:
        part = by_body[part_plan.body]
        text = footer.html if part_plan.is_html else footer.text
        way = recoded(view.data, part, part_plan) if part.body in recode else part_plan
        result += part_edits(view.data, part, way, text, eol, is_root=part is view.root)
    for added in planned.added:
        result += add_part_edits(view, added, footer.text, eol)
    alone = set(recode) - {part_plan.body for part_plan in planned.parts}
    return [*result, *recode_edits(view, alone, eol)]


def line_end(data: bytes) -> bytes:
    """The line end the message uses: CRLF from SMTP, bare LF in some files."""
    at = data.find(b"\n")
    return b"\n" if at == 0 or (at > 0 and data[at - 1] != 13) else b"\r\n"


def _protected(view: View) -> str:
    if view.is_encrypted:
        return "encrypted"
    if view.is_signed:
        return "signed"
    return "structure_beyond_limits" if view.beyond_limits else ""


def _plan_part(
    view: View, part: Part, footer: Footer, is_ours: Callable[[str], bool], host: str
) -> PartPlan | str | None:
    """The plan for a part; None if it shows our link already; a reason (text) if it is impossible."""
    if part.encoding == "unknown":
        return "encoding_unknown"
    raw = view.data[part.body : part.end]
    octets = transfer.decode(raw, part.encoding)
    if part.type in bodies.HTML:
        if _shows_ours(part, octets, is_ours, host):
            return None
        return plan_html(part, raw, octets, footer.html) or "html_hides_footer"
    if any(mark in octets for mark in _OPENPGP):
        return "openpgp"
    if _says_ours(part, octets, is_ours, host):
        return None
    return plan_plain(part, raw, octets, footer.text)


def _says_ours(part: Part, octets: bytes, is_ours: Callable[[str], bool], host: str) -> bool:
    if charset.is_ascii_superset(part.charset or "ascii") and not _mentions(octets, host.encode()):
        return False
    text = charset.decode(octets, part.charset)
    return host in text.lower() and any(map(is_ours, text_links(text)))


def _mentions(octets: bytes, host: bytes) -> bool:
    """Whether these octets contain the host; searched piece by piece, so that a large text is not copied."""
    step = PIECE + len(host)
    return any(host in octets[start : start + step].lower() for start in range(0, len(octets), PIECE))


def _shows_ours(part: Part, octets: bytes, is_ours: Callable[[str], bool], host: str) -> bool:
    """Whether one of our links is in plain sight and can be followed; both readings of the HTML must agree."""
    if len(octets) > footer_html.MOST_SEEN:
        return False
    text = charset.decode(octets, part.charset)
    low = unescape(text).lower()
    for blank in _LEFT_OUT:
        low = low.replace(blank, "")
    if host not in low:
        return False
    shown = [url for url in markup.read(text).links if is_ours(url)]
    if not shown:
        return False
    seen = {url.strip() for url in footer_html.seen_links(text)}
    return any(url in seen for url in shown)
