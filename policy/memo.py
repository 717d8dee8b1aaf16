"""Something made ready once from a value that lives as long as a policy does."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST = 64


class Memo(Generic[K, V]):
    """What `make` made of a frozen value, kept by the value's identity: no look into long lists to find it again.

    Keeps the value alive with what was made, so that an identity is never taken for another's;
    bounded, since a reload of the configuration brings new values.
    """

    __slots__ = ("_kept", "_make")

    def __init__(self, make: Callable[[K], V]) -> None:
        self._make = make
        self._kept: dict[int, tuple[K, V]] = {}

    def __call__(self, value: K) -> V:
        kept = self._kept.get(id(value))
        if kept is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            kept = self._kept[id(value)] = (value, self._make(value))
        return kept[1]
