"""A message as text, for the person who has to answer for it: all that any of its readers could see or follow."""

from policy.content import Content
from relay.mail.charset import decode_header
from relay.mail.header import HeaderBlock

MOST = 20_000  # characters of one kind of text
# Who it is from, and where answers, receipts and unsubscriptions go: an agent must not have them led astray. Not `To`:
# who gets it is the envelope's matter, and a person who was erased is still named there.
_NAMES = b"from sender reply-to mail-reply-to mail-followup-to disposition-notification-to list-unsubscribe".split()


def header(block: HeaderBlock) -> dict[str, str]:
    """The fields that say who it is from, and where what its readers send back goes, each on one line as shown."""
    found = {name: [decode_header(block.value(field)) for field in block.all(name)] for name in _NAMES}
    return {name.decode().title(): _cut(" ".join(", ".join(said).split())) for name, said in found.items() if said}


def everything(read: Content) -> str:
    """Its text, and what else some reader shows, what links lead to and attachments are called."""
    besides = {
        "Quoted": read.quoted,
        "Shown by some readers instead": "\n".join(read.otherwise),
        "Hidden": read.hidden,
        "Links": "\n".join(read.links),
        "Picture descriptions and form fields": "\n".join(read.image_alts),
        "Attached": "\n".join([name or "a file without a name" for name in read.attachments]),
    }
    pieces = [_cut(read.text) or "(no text)", *(f"{name}:\n{_cut(said)}" for name, said in besides.items() if said)]
    return "\n\n".join(pieces)


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}\n[… cut here: the console shows the rest]"
