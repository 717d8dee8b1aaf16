"""How much was sent recently: sliding windows made of minute, hour and day buckets.

The oldest, partly covered bucket counts in full, so a window is 60 to 61 minutes, 24 to 25
hours or 30 to 31 days long, and no boundary ever doubles a limit. Adding and counting cost
the same at any volume. If the clock is set back by up to a window, new counts go into the
newest known bucket; if it is set back further, the existing counts move back with it. So no
step of the clock frees a limit, and none makes anybody wait for more than two windows.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Window(Struct, eq=False):
    """Counts in buckets of `width` milliseconds, over the current bucket and the `span` buckets before it.

    A copy that leaves later counts at the time it leaves, in a future bucket. `busiest` and `room_at` look at every
    window that would contain one more copy: a copy added ahead of postponed ones must not push their windows over
    a limit, and nothing waits for copies that leave long after it.
    """

    width: int
    span: int
    buckets: dict[int, int] = field(default_factory=dict)
    head: int = 0  # newest bucket the clock has reached

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same counts, wherever their `head` is."""
        return isinstance(other, Window) and self._counted() == other._counted()

    def __hash__(self) -> int:
        return hash((self.width, self.span))  # what never changes

    def _counted(self) -> tuple[int, int, dict[int, int]]:
        return self.width, self.span, self.buckets

    def add(self, now: int, count: int, due: int = 0) -> None:
        """Add `count` at `now`, or at `due` if the copies leave later; forget buckets that have left the window."""
        head, buckets = now // self.width, self.buckets
        if head > self.head:
            self.head = head
            for old in [b for b in buckets if b < head - self.span]:
                del buckets[old]
        else:
            self.set_back(now)
        bucket = max(self.head, due // self.width)
        buckets[bucket] = buckets.get(bucket, 0) + count

    def join(self, other: "Window") -> None:
        """Add the counts of another window to this one."""
        self.head = max(self.head, other.head)
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def set_back(self, now: int) -> bool:
        """Whether the clock was set back by more than a window; if so, move counts that lie after `now` back to it.

        They then count for one more window, not until the clock gets there again. A smaller difference may be
        that between the clocks of two machines: then counts stay where they are.
        """
        here, buckets = now // self.width, self.buckets
        step = self.head - here
        if step <= self.span:
            return False
        for bucket in sorted(buckets):  # older ones were forgotten
            moved = max(here, bucket - step)  # postponed copies were dated by the same clock
            buckets[moved] = buckets.get(moved, 0) + buckets.pop(bucket)
        self.head = here
        return True

    def take(self, then: int, count: int) -> None:
        """Subtract what was counted at `then`, as far as its bucket still holds it."""
        bucket = then // self.width
        left = self.buckets.get(bucket, 0) - count
        if left > 0:
            self.buckets[bucket] = left
        else:
            self.buckets.pop(bucket, None)

    def count(self, now: int, span: int = 0) -> int:
        """The sum of all counts from the start of the window that ends at `now`; its oldest bucket counts in full."""
        oldest = now // self.width - (span or self.span)
        if not self.buckets or min(self.buckets) >= oldest:
            return sum(self.buckets.values())
        return sum(n for bucket, n in self.buckets.items() if bucket >= oldest)

    def frees_at(self, now: int, needed: int, limit: int, span: int = 0) -> int:
        """When `needed` more will fit under `limit`: `now` if they fit already, 0 if they never will."""
        span = span or self.span
        over = self.count(now, span) + needed - limit
        if over <= 0:
            return now
        oldest = now // self.width - span
        for bucket in sorted(b for b in self.buckets if b >= oldest):
            over -= self.buckets[bucket]
            if over <= 0:
                return (bucket + span + 1) * self.width
        return 0

    def busiest(self, at: int, span: int = 0) -> int:
        """The highest count of any window that would contain a copy leaving at `at`, whether it ends then or later."""
        buckets = self.buckets
        if not buckets:
            return 0
        here, span = self._bucket(at), span or self.span
        oldest = here - span
        if max(buckets) <= here:
            if min(buckets) >= oldest:
                return sum(buckets.values())
            return sum([n for bucket, n in buckets.items() if bucket >= oldest])
        order = sorted([b for b in buckets if oldest <= b <= here + span])
        first = most = held = 0
        for bucket in order:
            held += buckets[bucket]
            while order[first] < bucket - span:
                held -= buckets[order[first]]
                first += 1
            most = max(most, held)
        return most

    def room_at(self, at: int, limit: int, span: int = 0) -> int:
        """The first time from `at` on when one more may leave without any window that contains it exceeding `limit`.

        `frees_at` waits until postponed copies have left; this also finds room before and between them. 0 if there
        will never be room.
        """
        if limit < 1:
            return 0
        span = span or self.span
        if self.busiest(at, span) < limit:
            return at
        bucket = self._bucket(at)
        for first, last in self._full(bucket - span, limit, span):
            if bucket < first:
                break
            bucket = last + 1
        return bucket * self.width

    def _bucket(self, at: int) -> int:
        """The bucket in which a copy leaving at `at` counts."""
        return max(self.head, at // self.width)

    def _full(self, since: int, limit: int, span: int) -> Iterator[tuple[int, int]]:
        """The ranges of buckets in which nothing more may leave, in order.

        `limit` counts that lie at most `span` buckets apart fill a window; one more that shares a window
        with the first and the last of them would exceed the limit.
        """
        order, end, held = sorted([b for b in self.buckets if b >= since]), 0, 0
        for low in order:
            while end < len(order) and held < limit:
                held += self.buckets[order[end]]
                end += 1
            if held < limit:
                return
            high = order[end - 1]
            if high - low <= span:
                yield high - span, low + span
            held -= self.buckets[low]

    def eases_at(self, at: int) -> int:
        """When the oldest count leaves the windows that contain `at`; 0 if there is none."""
        here = self._bucket(at)
        first = min(self.buckets, default=0)
        if not here - self.span <= first <= here + self.span:
            first = min([b for b in self.buckets if here - self.span <= b <= here + self.span], default=0)
        return (first + self.span + 1) * self.width if first else 0

    def newest(self) -> int:
        """The start of the newest bucket that holds a count; 0 if there is none."""
        return max(self.buckets, default=0) * self.width

    def copy(self) -> "Window":
        """A copy, for trying something out."""
        return Window(self.width, self.span, dict(self.buckets), self.head)

    def as_json(self) -> dict[str, int]:
        """Plain data; `head` is included only if it is not the newest bucket."""
        counts = self.buckets
        data = dict(zip(map(str, counts), counts.values(), strict=True))
        if 0 in data.values():
            data = {bucket: count for bucket, count in data.items() if count}
        if counts and self.head < max(counts):
            data["head"] = self.head
        return data

    def load(self, data: Mapping[str, int]) -> None:
        """Restore what `as_json` wrote."""
        counts = dict(data)
        head = counts.pop("head", None)
        self.buckets = dict(zip(map(int, counts), counts.values(), strict=True))
        self.head = max(self.buckets, default=0) if head is None else head


def hourly() -> Window:
    """60 to 61 minutes in minute buckets."""
    return Window(MINUTE, 60)


def daily() -> Window:
    """24 to 25 hours in hour buckets."""
    return Window(HOUR, 24)


def monthly() -> Window:
    """30 to 31 days in day buckets."""
    return Window(DAY, 30)


def by_day() -> Window:
    """Up to 31 days, for windows an operator made longer than a day."""
    return Window(DAY, 31)


WINDOWS = ("hourly", "daily", "monthly")


class Usage(Struct):
    """What one mailbox or tenant has used up.

    `sent` counts accepted recipients, each at the time its copy leaves. `latest` counts, per minute,
    the recipients whose newest message lies in that minute: its sum over five minutes is the exact
    number of distinct recipients, at the cost of one subtraction and one addition per message. The
    windows ending in `_wide` hold the same in coarser buckets, for settings that look further back.
    """

    sent: dict[str, Window] = field(
        default_factory=lambda: {"hourly": hourly(), "daily": daily(), "monthly": monthly()}
    )
    first_contacts: Window = field(default_factory=daily)
    first_contacts_wide: Window = field(default_factory=by_day)
    latest: Window = field(default_factory=hourly)
    latest_wide: Window = field(default_factory=daily)
    negative: Window = field(default_factory=daily)
    negative_wide: Window = field(default_factory=by_day)
    null_sender: Window = field(default_factory=hourly)

    @classmethod
    def of_all(cls, usages: Iterable["Usage"]) -> "Usage":
        """What all of them sent, added up; other counts are left empty."""
        together = cls()
        for usage in usages:
            for name, window in together.sent.items():
                window.join(usage.sent[name])
        return together

    def add_first_contacts(self, now: int, recipients: int) -> None:
        """Count recipients never written to before."""
        self.first_contacts.add(now, recipients)
        self.first_contacts_wide.add(now, recipients)

    def add_negative(self, now: int, signals: int) -> None:
        """Count bounces and complaints."""
        self.negative.add(now, signals)
        self.negative_wide.add(now, signals)

    def move_latest(self, previous: int, now: int) -> None:
        """A recipient last written to at `previous` (0: never) is written to at `now`."""
        for window in (self.latest, self.latest_wide):
            if previous:
                window.take(previous, 1)
            window.add(now, 1)

    def set_back(self, now: int) -> bool:
        """Whether any window found that the clock was set back; the usage must then be stored."""
        return True in [window.set_back(now) for _, window in self.windows()]

    def latest_window(self, minutes: int) -> tuple[Window, int]:
        """The window that covers the last `minutes`, and the number of its buckets to look at."""
        return (self.latest, minutes) if minutes <= self.latest.span else (self.latest_wide, -(-minutes // 60))

    def leaving_window(self, minutes: int) -> tuple[Window, int]:
        """The window of departures that covers `minutes`, and the number of its buckets to look at."""
        hourly = self.sent["hourly"]
        return (hourly, minutes) if minutes <= hourly.span else (self.sent["daily"], -(-minutes // 60))

    def first_contacts_window(self, days: int) -> tuple[Window, int]:
        """The window of first contacts that covers the last `days`, and the number of its buckets to look at."""
        return (self.first_contacts, 24) if days <= 1 else (self.first_contacts_wide, days)

    def negative_window(self, hours: int) -> tuple[Window, int]:
        """The window of bounces and complaints that covers the last `hours`, and the number of buckets to look at."""
        return (self.negative, hours) if hours <= self.negative.span else (self.negative_wide, -(-hours // 24))

    def as_json(self) -> dict[str, Mapping[str, int]]:
        """Plain data for the store, without empty windows; `from_json` reads it back."""
        return {name: window.as_json() for name, window in self.windows() if window.buckets}

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, Any]]) -> "Usage":
        """The usage that `as_json` wrote."""
        usage = cls()
        windows = dict(usage.windows())
        for name, counts in data.items():
            if (window := windows.get(name)) is not None:
                window.load(counts)
        return usage

    def windows(self) -> tuple[tuple[str, Window], ...]:
        """Every window with its name."""
        return (
            *self.sent.items(),
            ("first_contacts", self.first_contacts),
            ("first_contacts_wide", self.first_contacts_wide),
            ("latest", self.latest),
            ("latest_wide", self.latest_wide),
            ("negative", self.negative),
            ("negative_wide", self.negative_wide),
            ("null_sender", self.null_sender),
        )
