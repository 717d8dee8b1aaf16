"""What all sessions of a process share: their number, the memory of their messages, and their commits.

The limits on connections hold for the machine: its workers count them together (`tally`).

A commit belongs to the process, not to the connection it came from: a client that hangs up cannot cancel it
(RFC 5321 §6.1, RFC 1047). Deadlines are checked once a second for all sessions together instead of by one
timer each; the clock is an argument.
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
    """What traffic needs of a session."""

    def look(self, now: float) -> None:
        """Act on the deadlines that have passed."""

    def retire(self) -> None:
        """Say goodbye now if nothing is under way, otherwise afterwards."""

    def abort(self) -> None:
        """End the connection without a reply."""


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
        self.counts: Counter[str] = Counter()  # for the metrics; no name contains an address
        self._sessions: set[Guest] = set()
        self._active: dict[Guest, int] = {}  # the number of the look at which each was last active
        self._looks = 0
        self._on_change = on_change
        self._tally = tally or Tally.alone()
        self._commits: set[asyncio.Task[Any]] = set()
        self._empty: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def sessions(self) -> int:
        """The number of open connections."""
        return len(self._sessions)

    @property
    def active(self) -> int:
        """The number of connections that have just begun a message."""
        return len(self._active)

    @property
    def commits(self) -> int:
        """The number of messages being judged and stored."""
        return len(self._commits)

    # -- coming and going -----------------------------------------------------------

    def enter(self, session: Guest, place: str) -> Admission:
        """Admit a new connection or say why not. `place` is what it is counted by, empty for the exempt."""
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
        """A connection of `place` has authenticated; returns False if its credential has too many connections."""
        if not self._tally.claim(_credential(credential), self.limits.per_credential):
            self.counts["connections_refused_credential"] += 1
            return False
        if place:
            self._tally.less(_address(place))
        return True

    def leave(self, session: Guest, place: str, credential: str) -> None:
        """A connection has ended; it was counted by its credential if it had one, otherwise by its place."""
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
        """A connection has lost its authentication (STARTTLS) and is counted by its place again."""
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
        """Within this block the current task belongs to the process: the end of its session does not cancel it."""
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
        """Check the deadlines once a second from now on; calling it again does no harm."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._tick)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._tick)
        self.look()

    def look(self) -> None:
        """Let every session act on its deadlines."""
        now = self.clock()
        for session in tuple(self._sessions):
            session.look(now)
        self._active = {session: look for session, look in self._active.items() if look == self._looks}
        self._looks += 1
        self._on_change()

    def unwatch(self) -> None:
        """Stop checking the deadlines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the end --------------------------------------------------------------------

    def retire(self) -> None:
        """Take no new message: idle clients are told 421 now, the others after their current message."""
        self.draining = True
        for session in tuple(self._sessions):
            session.retire()

    async def drain(self, timeout: float) -> bool:
        """Retire, wait up to `timeout` seconds for what is under way, then close what is left; returns
        whether everything finished.
        """
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
    """What an address is counted by: the address itself, its /64 for IPv6, or "" for loopback and trusted networks.

    These are exempt because agents that share an address must not lock each other out.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host  # a UNIX socket, or an unknown kind of address
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback or any(address in net for net in trusted):
        return ""
    if isinstance(address, IPv6Address):  # one customer has at least a /64
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)
