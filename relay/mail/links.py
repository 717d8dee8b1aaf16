"""Links in plain text, as mail readers make them clickable."""

import re

_LINK = re.compile(r"[hH][tT][tT][pP][sS]?://[^\s<>\"'\x00-\x1f]{1,2000}")
_TRAILING = ".,;:!?)]}"
_MOST = 500


def text_links(text: str) -> tuple[str, ...]:
    """The http and https links, each once, without the punctuation that follows them."""
    if "://" not in text:
        return ()
    links: dict[str, None] = {}
    for found in _LINK.finditer(text):
        links[found[0].rstrip(_TRAILING)] = None
        if len(links) == _MOST:
            break
    return tuple(links)
