"""Caches what is computed once from a long-lived frozen value, such as a policy."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST = 64


class Memo(Generic[K, V]):
    """Caches `make(value)` by the identity of `value`, so that a look-up need not hash long lists.

    Keeps the value alive together with its result, so that its identity is never reused;
    bounded, because every reload of the configuration brings new values.
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
