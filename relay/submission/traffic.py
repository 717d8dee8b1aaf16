"""What all sessions of a process share: how many there are, the memory of their messages, their commits.

How many there may be is a matter of the machine: the workers count them together (`tally`).

A commit belongs to the process, never to the connection it came by: a client that hangs
up cannot cancel it (RFC 5321 §6.1, RFC 1047). Time is looked at once a second for all
sessions together instead of by a timer each; the clock is an argument.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Literal, Protocol

import structlog

from relay.submission.cohort import Cohort
from relay.submission.incoming import Memory
from relay.submission.tally import Tally
from relay.submission.terms import Limits

log = structlog.get_logger()
Admission = Literal["admitted", "draining", "full", "address"]

LOOK_EVERY = 1.0  # seconds
_ALL = "all"


class Guest(Protocol):
    """What traffic must know of a session."""

    def look(self, now: float) -> None:
        """Does what has become due."""

    def retire(self) -> None:
        """Says goodbye if nothing is under way; else after it."""

    def abort(self) -> None:
        """Ends the connection without a word."""


class Traffic:
    """The sessions of a process."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float],
        cohort: Cohort | None = None,
        tally: Tally | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_change` is called whenever `sessions` or `active` may have changed."""
        self.limits = limits
        self.clock = clock
        self.memory = Memory(limits.memory)
        self.cohort = cohort or Cohort()
        self.draining = False
        self.counts: Counter[str] = Counter()  # for the metrics; names without addresses
        self._sessions: set[Guest] = set()
        self._active: dict[Guest, int] = {}  # by the look in which each was last heard of
        self._looks = 0
        self._on_change = on_change
        self._tally = tally or Tally.alone()
        self._commits: set[asyncio.Task[Any]] = set()
        self._empty: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def sessions(self) -> int:
        """Connections that are open."""
        return len(self._sessions)

    @property
    def active(self) -> int:
        """Connections that began a message a moment ago."""
        return len(self._active)

    @property
    def commits(self) -> int:
        """Messages that are being judged and stored."""
        return len(self._commits)

    # -- coming and going -----------------------------------------------------------

    def enter(self, session: Guest, place: str) -> Admission:
        """Whether a new connection may stay. `place` is what it counts under, empty for the exempt."""
        if self.draining:
            return "draining"
        if not self._tally.claim(_ALL, self.limits.total):
            self.counts["connections_refused_total"] += 1
            return "full"
        if place and not self._tally.claim(_address(place), self.limits.per_address):
            self._tally.less(_ALL)
            self.counts["connections_refused_address"] += 1
            return "address"
        self._sessions.add(session)
        self._on_change()
        return "admitted"

    def prove(self, place: str, credential: str) -> bool:
        """A connection of `place` has authenticated; False when the credential has too many."""
        if not self._tally.claim(_credential(credential), self.limits.per_credential):
            self.counts["connections_refused_credential"] += 1
            return False
        if place:
            self._tally.less(_address(place))
        return True

    def leave(self, session: Guest, place: str, credential: str) -> None:
        """A connection is over; it counted under its credential if it had one, else under its place."""
        if session in self._sessions:
            self._sessions.remove(session)
            self.cohort.excuse(session)
            self._active.pop(session, None)
            self._on_change()
            self._tally.less(_ALL)
            if credential or place:
                self._tally.less(_credential(credential) if credential else _address(place))
        self._look_if_empty()

    def forget(self, place: str, credential: str) -> None:
        """A connection has lost its authentication (STARTTLS) and counts under its place again."""
        self._tally.less(_credential(credential))
        if place:
            self._tally.more(_address(place))

    def begin(self, session: Guest) -> None:
        """A message of this connection is on its way."""
        self.cohort.expect(session)
        is_new = session not in self._active
        self._active[session] = self._looks
        if is_new:
            self._on_change()

    # -- commits --------------------------------------------------------------------

    @contextmanager
    def commit(self) -> Iterator[None]:
        """While it lasts the current task belongs to the process: its session may end, the task is not cancelled."""
        task = asyncio.current_task()
        assert task is not None
        self._commits.add(task)
        try:
            yield
        finally:
            self._commits.discard(task)
            self._look_if_empty()

    # -- time -----------------------------------------------------------------------

    def watch(self) -> None:
        """Looks at the clock from now on; more than once does no harm."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._tick)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._tick)
        self.look()

    def look(self) -> None:
        """Lets every session do what has become due."""
        now = self.clock()
        for session in tuple(self._sessions):
            session.look(now)
        self._active = {session: look for session, look in self._active.items() if look == self._looks}
        self._looks += 1
        self._on_change()

    def unwatch(self) -> None:
        """Does not look any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the end --------------------------------------------------------------------

    def retire(self) -> None:
        """No new message from now on: the idle are told 421, the others after what they are at."""
        self.draining = True
        for session in tuple(self._sessions):
            session.retire()

    async def drain(self, timeout: float) -> bool:
        """Retires, waits for what is under way, then closes what is left; whether all had come to its end."""
        self.retire()
        self._empty = asyncio.Event()
        self._look_if_empty()
        try:
            async with asyncio.timeout(timeout):
                await self._empty.wait()
        except TimeoutError:
            log.warning("not drained in time", sessions=self.sessions, commits=self.commits)
            for session in tuple(self._sessions):
                session.abort()
        self.unwatch()
        return not self._commits and not self._sessions

    def _look_if_empty(self) -> None:
        if self._empty is not None and not self._sessions and not self._commits:
            self._empty.set()


def _address(place: str) -> str:
    return f"address {place}"


def _credential(credential: str) -> str:
    return f"credential {credential}"


def place_of(host: str, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """What an address counts under: itself, or its /64; empty for loopback and trusted networks.

    Agents behind one address must not lock each other out, so loopback and trusted networks are exempt.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host  # a UNIX socket, or nothing we know
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback or any(address.version == net.version and address in net for net in trusted):
        return ""
    if isinstance(address, IPv6Address):  # one customer has a /64 at least
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)
