"""The fixtures of this area."""

from tests.http.office import differences, office, prepared

__all__ = ["differences", "office", "prepared"]
