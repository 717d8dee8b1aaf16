"""The fixtures of this area."""

from tests.http.office import changes, office, prepared

__all__ = ["changes", "office", "prepared"]
