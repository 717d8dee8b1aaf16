"""Finds the parts of a message that a reader may show as its text, and places where a text is missing.

Text that is marked as an attachment, or has a file name outside an alternative, is an attachment. Of
`multipart/related` the root is shown (RFC 2387 §3.2). An AMP alternative cannot carry a footer that is
certain to be shown; it is dropped if another alternative can.
"""

from msgspec import Struct, field

from relay.mail.mime import Part, View

PLAIN = frozenset(("text/plain", "text/markdown"))
HTML = frozenset(("text/html", "text/watch-html"))
DROPPED = frozenset(("text/x-amp-html", "text/enriched", "text/richtext"))
_UNDIVIDED = frozenset(("multipart/alternative", "multipart/related"))


class Bodies(Struct):
    """The result of the walk; `gaps` are multiparts that are shown as an alternative but contain no text."""

    shown: list[Part] = field(default_factory=list)
    dropped: list[tuple[Part, Part]] = field(default_factory=list)  # (the multipart, its child)
    gaps: list[Part] = field(default_factory=list)
    is_covered: bool = False
    is_damaged: bool = False


def find_bodies(view: View) -> Bodies:
    """Walk the structure without entering attached messages."""
    bodies = Bodies()
    bodies.is_covered = _walk(view.root, bodies, in_alternative=True)
    return bodies


def _walk(part: Part, bodies: Bodies, in_alternative: bool) -> bool:
    """Whether a reader who is shown this part sees a text that can carry a footer."""
    kind = part.type
    if not part.is_container:
        return _leaf(part, bodies, in_alternative)
    if kind == "multipart/alternative":
        return _alternative(part, bodies)
    if kind == "multipart/related":
        return _related(part, bodies, in_alternative)
    if kind[:8] == "message/":
        return False
    covered = False
    for child in part.children:
        covered |= _walk(child, bodies, in_alternative=False)
    return covered


def _leaf(part: Part, bodies: Bodies, in_alternative: bool) -> bool:
    if part.type[:10] == "multipart/":
        bodies.is_damaged = True
        return False
    if part.type not in PLAIN and part.type not in HTML:
        return False
    if part.is_attachment or (not in_alternative and part.filename):
        return False
    bodies.shown.append(part)
    return True


def _alternative(part: Part, bodies: Bodies) -> bool:
    covered = False
    for child in part.children:
        if child.is_container:
            inside = _walk(child, bodies, in_alternative=True)
            if not inside and child.type not in _UNDIVIDED and child.type[:10] == "multipart/":
                bodies.gaps.append(child)
                inside = True
            covered |= inside
        else:
            covered |= _leaf(child, bodies, in_alternative=True)
    if covered:
        bodies.dropped += [(part, child) for child in part.children if child.type in DROPPED]
    return covered


def _related(part: Part, bodies: Bodies, in_alternative: bool) -> bool:
    root = part.children[0]
    start = part.params.params.get("start", "").strip("<> ")
    for child in part.children if start else ():
        if child.header.get(b"content-id").strip(b"<> ").decode("latin-1") == start:
            root = child
            break
    covered = _walk(root, bodies, in_alternative)
    for child in part.children:
        # Readers that do not know `related` show a text that nothing refers to after the root.
        if child is not root and not child.is_container and child.header.first(b"content-id") is None:
            covered |= _leaf(child, bodies, in_alternative=False)
    return covered
