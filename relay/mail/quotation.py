"""The parts of a plain text that quote earlier messages, and whether a quotation says whose words it is.

None of this is proof: the author of a message also writes its quotations and the lines above them.
"""

import re

_ATTRIBUTION = re.compile(
    r"^(?:On .{5,200} wrote:|Am .{5,200} schrieb .{1,100}:|Le .{5,200} a écrit ?:|El .{5,200} escribió:"
    r"|Em .{5,200} escreveu:|Il .{5,200} ha scritto:|Op .{5,200} schreef .{1,100}:"
    r"|-{3,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine|Mensaje original"
    r"|Mensagem original|Messaggio originale|Oorspronkelijk bericht|元のメッセージ) ?-{3,}.*)$",
    re.MULTILINE,
)
_QUOTE_SIGNS = ("\n>", "wrote:", "---", "schrieb", "crit", "escri", "escre", "scritto", "schreef")
# For mail programs whose phrases are not known: a line with an address that ends in a colon.
_ADDRESSED = re.compile(r"@[^\s@]{1,200}[^@\n]{0,40}[:：]$")
_SEAM = 400  # characters examined on each side of the start of a quotation


def split_quoted(text: str) -> tuple[str, str]:
    """Plain text without what it quotes of earlier messages, and the quoted text alone."""
    if not text.startswith(">") and not any(map(text.__contains__, _QUOTE_SIGNS)):
        return text, ""
    own: list[str] = []
    quoted: list[str] = []
    found = _ATTRIBUTION.search(text)
    head = text if found is None else text[: found.start()]
    for line in head.split("\n"):
        (quoted if line.startswith(">") else own).append(line)
    if found is not None:
        # Unquoted text below an attribution line may be the reply, written below the quotation; a forward quotes to
        # the end.
        whole = text[found.start()] == "-"
        for line in text[found.start() :].split("\n"):
            (quoted if whole or line.startswith(">") or line == found[0] else own).append(line)
    return "\n".join(own).strip(), "\n".join(quoted).strip()


def is_attributed(own: str, quoted: str) -> bool:
    """Whether the quotation, or the line above it, says whose words it is."""
    if not quoted:
        return False
    above = own[-_SEAM:].split("\n")[-2:]
    begins = [line.lstrip("> ") for line in quoted[:_SEAM].split("\n")[:3]]
    # Many programs break a long line in two.
    lines = (*above, " ".join(above), *begins, " ".join(begins[:2]))
    return any(_ATTRIBUTION.match(line) or _ADDRESSED.search(line) for line in lines)
