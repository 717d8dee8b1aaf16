"""What a reader would see of a message: the only form in which the policy judges text.

Made at the edge from a message's bytes (decoded, hidden HTML removed, quoted text
separated) and judged here. An absent field is empty; nothing is None. The content
may be of any length: its readers limit how much they read.
"""

from msgspec import Struct


class Content(Struct, frozen=True):
    """The decoded message as its reader sees it."""

    subject: str  # decoded
    text: str  # shown text in reading order, hidden HTML removed, quoted reply text removed, NFC
    quoted: str = ""  # quoted reply or forwarded text
    is_attributed: bool = False  # the quoted text has an attribution line, as mail programs write it
    otherwise: tuple[str, ...] = ()  # what some readers show instead of the text: another alternative, an appointment
    hidden: str = ""  # text present but not shown to a reader
    links: tuple[str, ...] = ()
    image_alts: tuple[str, ...] = ()
    has_pictures: bool = False  # there are pictures and hardly any text, or files and no text
    attachments: tuple[str, ...] = ()  # file names
    language: str = ""  # Content-Language or html lang, lower case
    is_reply: bool = False  # In-Reply-To or References present
    is_bulk: bool = False  # List-Id, List-Unsubscribe or Precedence: bulk set by the client
    is_automatic: bool = False  # Auto-Submitted other than no
    is_turned: bool = False  # some of it is shown backwards (direction-changing characters)
    from_name: str = ""
    # What leaves but is not shown: header fields, markup, attached texts and what was left out above.
    unseen: tuple[str, ...] = ()
    page: int = 0  # the size of its largest page (HTML), in characters of markup
    files: str = ""  # one hash of attachments, pictures and attached messages
