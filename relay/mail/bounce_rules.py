"""The tables by which bounces are judged: phrases, enhanced codes, reply codes. Data, no logic.

The phrases are in `bounce_phrases.txt` beside this module and are read once. Only `HARD` reasons suppress a
recipient at once (and `notaccept` if permanent). Whatever may also be caused by the sender, the message or
the moment must not be among them: a false suppression is worse than a missed one.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

HARD = frozenset({"userunknown", "hostunknown", "hasmoved"})

# Failures of the recipient's own: where they are not permanent, several messages in a row that fail so suppress it
# for a while.
OWN = frozenset({"mailboxfull", "suspend", "userunknown", "hasmoved"})

# By the first two characters of a phrase: its position in the list, its pieces, its reason.
Table = Mapping[str, Sequence[tuple[int, tuple[str, ...], str]]]


def _read(text: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Each phrase as its pieces, with its reason, in order."""
    rows: list[tuple[tuple[str, ...], str]] = []
    reason = ""
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            reason = line[1:-1]
        elif line and not line.startswith("#"):
            rows.append((tuple(line.split(" * ")), reason))
    return tuple(rows)


_ROWS = _read(files("relay.mail").joinpath("bounce_phrases.txt").read_text("utf-8"))


def _indexed(rows: Iterable[tuple[tuple[str, ...], str]]) -> Table:
    table: dict[str, list[tuple[int, tuple[str, ...], str]]] = {}
    for number, (pieces, reason) in enumerate(rows):
        table.setdefault(pieces[0][:2], []).append((number, pieces, reason))
    return table


PHRASES = _indexed(row for row in _ROWS if not row[1].startswith("?"))
VAGUE = _indexed((pieces, reason[1:]) for pieces, reason in _ROWS if reason.startswith("?"))

# Words that mean a dead address at whichever command they are said.
CERTAIN = (
    "have a yahoo", "requested action not taken: mailbox unavailable (-", "resolver.adr.recip", "nosuchuser",
    "adresse destinataire invalide", "adresse d au moins un destinataire", "** address not found **",
    "name is not recognized", "invalid final delivery userid", "domino directory", "public name & address book",
    "requested mail action aborted, mailbox not found", "invalid mailbox. local mailbox",
    " 5.4.1 ", " 550: <", " unknown user: ", " 542 ", "no valid recipients for this mm",
)  # fmt: skip

# Words that servers use only in reply to RCPT: trusted even if the refused command is not known.
OF_RCPT = ("no such user here", " 550 invalid recipient: <")

# RFC 3463 and its registry, without the class. x.0.0 and the like say nothing and are left out.
STATUS: dict[str, str] = {
    "1.0": "rejected", "1.1": "userunknown", "1.2": "hostunknown", "1.3": "userunknown", "1.4": "filtered",
    "1.6": "hasmoved", "1.7": "rejected", "1.8": "rejected", "1.10": "userunknown",
    "2.0": "filtered", "2.1": "filtered", "2.2": "mailboxfull", "2.3": "exceedlimit", "2.4": "filtered",
    "3.0": "systemerror", "3.1": "systemfull", "3.2": "notaccept", "3.3": "systemerror", "3.4": "mesgtoobig",
    "3.5": "systemerror", "4.0": "networkerror", "4.1": "expired", "4.2": "networkerror", "4.3": "systemerror",
    "4.4": "hostunknown", "4.5": "systemerror", "4.6": "networkerror", "4.7": "expired", "5.0": "syntaxerror",
    "5.1": "syntaxerror", "5.2": "syntaxerror", "5.3": "syntaxerror", "5.4": "syntaxerror", "5.5": "syntaxerror",
    "6.0": "contenterror", "6.1": "contenterror", "6.2": "contenterror", "6.3": "contenterror",
    "6.4": "contenterror", "6.5": "contenterror", "6.9": "contenterror", "7.0": "securityerror",
    "7.1": "securityerror", "7.2": "rejected", "7.3": "securityerror", "7.4": "securityerror",
    "7.5": "securityerror", "7.6": "securityerror", "7.7": "authfailure", "7.8": "securityerror",
    "7.9": "securityerror", "7.10": "securityerror", "7.11": "securityerror", "7.12": "securityerror",
    "7.13": "suspend", "7.17": "hasmoved", "7.18": "hasmoved", "7.20": "authfailure", "7.21": "authfailure",
    "7.22": "authfailure", "7.23": "authfailure", "7.24": "authfailure", "7.25": "requireptr",
    "7.26": "authfailure", "7.27": "notaccept", "7.28": "speeding", "7.30": "authfailure", "7.509": "authfailure",
}  # fmt: skip

# Codes so unspecific that even vague words say more.
BROAD = frozenset({"1.0", "2.0", "2.1", "3.0", "3.5", "4.0", "5.0", "7.0", "7.1"})

# RFC 5321 §4.2.3; used if neither an enhanced code nor a phrase decides.
REPLY: dict[str, str] = {
    "421": "blocked", "542": "userunknown", "422": "mailboxfull", "452": "systemfull", "500": "syntaxerror",
    "501": "syntaxerror", "502": "syntaxerror", "503": "syntaxerror", "504": "syntaxerror", "552": "mailboxfull",
    "556": "notaccept",
}  # fmt: skip

# PowerMTA's own classification (X-PowerMTA-BounceCategory), which its reports may contain.
CATEGORIES: dict[str, str] = {
    "bad-connection": "networkerror", "bad-domain": "hostunknown", "bad-mailbox": "userunknown",
    "content-related": "contenterror", "inactive-mailbox": "suspend", "invalid-sender": "rejected",
    "message-expired": "expired", "no-answer-from-host": "networkerror", "policy-related": "policyviolation",
    "quota-issues": "mailboxfull", "relaying-issues": "norelaying", "routing-errors": "networkerror",
    "spam-related": "spamdetected", "virus-related": "virusdetected",
}  # fmt: skip
