"""What a reader would see of a message: the only thing the policy judges text by.

Made at the edge from a message's bytes (decoded, hidden HTML taken out, quoted
text apart) and judged here. A field that was absent is empty; nothing is None.
Content makes no promise about length: who reads it bounds what is read.
"""

from msgspec import Struct


class Content(Struct, frozen=True):
    """The decoded message as its reader sees it."""

    subject: str  # decoded
    text: str  # shown text in reading order, hidden HTML removed, quoted reply text removed, NFC
    quoted: str = ""  # quoted reply or forwarded text
    is_attributed: bool = False  # the quoted text says whose words it is, as mail programs write it
    otherwise: tuple[str, ...] = ()  # what some readers show in place of the text: another alternative, an appointment
    hidden: str = ""  # text present but not shown to a reader
    links: tuple[str, ...] = ()
    image_alts: tuple[str, ...] = ()
    has_pictures: bool = False  # pictures stand where next to no text does, or files where none does
    attachments: tuple[str, ...] = ()  # file names
    language: str = ""  # Content-Language or html lang, lower case
    is_reply: bool = False  # In-Reply-To or References present
    is_bulk: bool = False  # List-Id, List-Unsubscribe or Precedence: bulk set by the client
    is_automatic: bool = False  # Auto-Submitted other than no
    is_turned: bool = False  # a reader is shown some of it backwards
    from_name: str = ""
    # Header fields, markup, attached texts and what was left out: it leaves, but is not shown.
    unseen: tuple[str, ...] = ()
    files: str = ""  # a hash of what is sent along: attachments, pictures, attached messages
