"""The fixtures of this area."""

from tests.submission.house import hall, make_hall

__all__ = ["hall", "make_hall"]
