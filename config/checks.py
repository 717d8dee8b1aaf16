"""Checks settings that are each valid by themselves but contradict one another.

An error keeps the server from starting; a warning is about something that works but is probably not intended.
All checks run, so that one pass shows everything to correct.
"""

from collections.abc import Iterable

from config import checks_delivery, checks_senders, checks_server
from config.binding import Bound
from config.errors import Problem
from config.findings import Check
from config.settings import Settings

_CHECKS = (*checks_server.CHECKS, *checks_senders.CHECKS, *checks_delivery.CHECKS)


def check(
    settings: Settings, bound: Bound, *, need_secrets: bool, more: Iterable[Check] = ()
) -> tuple[list[Problem], list[Problem]]:
    """Errors and warnings, each at its place in the file."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for one in (*_CHECKS, *more):
        for finding in one(settings):
            place = bound.place(finding.location)
            is_warning = finding.is_warning or (finding.is_missing_secret and not need_secrets)
            (warnings if is_warning else errors).append(Problem(place.source, place.line, place.key, finding.message))
    return errors, warnings
