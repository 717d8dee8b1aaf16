"""Everything the policy needs to know about a message's text, from one reading.

The beginning of the text is folded and split into words once; class and sketch are
computed from the same tokens. The digest covers all of the text and all attached
files. Secrets are looked for in all of the text as written, including hidden and
quoted parts, links and attachment names, and in what no reader sees (header fields,
markup, attached texts): a secret leaks whether or not anybody sees it.

Pure and deterministic.
"""

from msgspec import Struct

from policy.classification import Classification, classify
from policy.classification.features import page
from policy.content import Content
from policy.flaws import Flaw, flaws
from policy.secrets import SecretFinding, SecretScanner
from policy.sketch import digest, sketch

_SURELY_SELLS = 0.7


class Reading(Struct, frozen=True):
    """The result of reading one message."""

    classification: Classification
    sketch: tuple[int, ...]
    digest: str
    secrets: tuple[SecretFinding, ...]
    flaws: tuple[Flaw, ...]


def read(content: Content, raw_secrets: SecretScanner) -> Reading:
    """Reads the message once for all rules that ask about its text."""
    shown = page(content)
    words = (shown.subject.words, shown.text.words)
    classification = classify(content, shown)
    sells = classification.type == "commercial" and classification.score >= _SURELY_SELLS
    return Reading(
        classification,
        sketch(words, (), content.links, sells=sells),
        digest(content.subject, content.text, content.links, content.files),
        raw_secrets.scan(_everything(content), content.unseen),
        flaws(content),
    )


def _everything(content: Content) -> str:
    parts = (content.subject, content.text, content.quoted, content.hidden, content.from_name)
    return "\n".join((*parts, *content.links, *content.image_alts, *content.attachments))
