"""The fixtures of this area: the office for plain HTTP, a running server and a browser for the rest."""

from tests.console.browser import browser, desk
from tests.http.office import differences, office, prepared

__all__ = ["browser", "desk", "differences", "office", "prepared"]
