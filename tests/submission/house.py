"""A listener on loopback with a scripted desk behind it, in a thread with a loop of its own.

Plain `smtplib` and raw sockets in the test can talk to it. The clock stands still: `Hall.later`
moves it and lets every session do what has become due, so no test waits for a timeout.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
import uvloop
from msgspec.structs import replace

from policy.decision import Check, Decision, Refusal, failed
from policy.state import Ahead
from relay.mail.address import Address
from relay.submission.certificate import Certificate
from relay.submission.listener import Listener, bind
from relay.submission.session import Session
from relay.submission.slate import Slate
from relay.submission.submission import Answer, AuthRefused, Door, Principal, Submission
from relay.submission.terms import Terms
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic
from tests.support.clock import NOON, StillClock
from tests.support.settings import ADDRESS, PASSWORD, USER
from tests.support.smtp import Client

Result = TypeVar("Result")
APPROVED = Decision("approved", (), ())
MESSAGE = f"From: <{ADDRESS}>\r\nTo: <bob@example.net>\r\nSubject: hello\r\n\r\nHello.\r\n".encode()


@dataclass
class ScriptedDesk:
    """Lets in whom the tests know, approves everything, and does otherwise where a test says so.

    `mail`, `rcpt` and `answer` are refusals, exceptions or functions; a gate holds the answer back.
    """

    mail: Any = None
    rcpt: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = APPROVED
    login: Any = None
    gate: "threading.Event | None" = None
    asked: list[str] = field(default_factory=list)
    taken: list[Submission] = field(default_factory=list)
    begun: "threading.Event" = field(default_factory=threading.Event)
    _ids: int = 0

    async def authenticate(self, username: str, password: str) -> Principal:
        self.asked.append(f"AUTH {username}")
        if self.login is not None:
            raise self.login
        if username != USER or password != PASSWORD:
            raise AuthRefused("wrong")
        return Principal("cred_1", "ten_1", "mbx_1", frozenset({"send"}), username)

    def wait_of(self, mailbox_id: str) -> int:
        return 0

    async def at_mail(self, principal: Principal, mail_from: Address | None) -> Check | None:
        self.asked.append(f"MAIL {mail_from.wire if mail_from else ''}")
        return _played(self.mail)

    def note(self, principal: Principal, unmet: Check, at: Door) -> str:
        return at.send_id

    async def at_rcpt(
        self, principal: Principal, mail_from: Address | None, recipient: Address, ahead: Ahead
    ) -> Check | Ahead:
        self.asked.append(f"RCPT {recipient.wire} {ahead.recipients}")
        return _played(self.rcpt.get(recipient.wire)) or Ahead(ahead.recipients + 1)

    async def submit(self, submission: Submission) -> Answer:
        self.begun.set()
        if self.gate is not None:
            while not self.gate.is_set():
                await asyncio.sleep(0.002)
        found = self.answer(submission) if callable(self.answer) else self.answer
        if isinstance(found, BaseException):
            raise found
        self.taken.append(submission)
        return found if isinstance(found, Answer) else Answer(submission.send_id, found)

    def new_send_id(self) -> str:
        self._ids += 1
        return f"send_01J{self._ids:023d}"


def _played(step: Any) -> Check | None:
    if isinstance(step, BaseException):
        raise step
    return failed("scripted", step) if isinstance(step, Refusal) else None


class Hall:
    """A running listener."""

    def __init__(
        self, terms: Terms, desk: ScriptedDesk, *, uv: bool = False, certificate: Certificate | None = None
    ) -> None:
        self.desk, self.clock, self.certificate = desk, StillClock(), certificate
        self.complaints: list[Mapping[str, Any]] = []
        self.may_complain = False
        self.loop = uvloop.new_event_loop() if uv else asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.traffic = Traffic(terms.limits, self.clock)
        self.others_have_fewer = False
        self.throttle = Throttle(Slate.alone(), self.clock, self.clock.sleep)
        self.listener = Listener(
            bind("127.0.0.1", 0),
            terms,
            desk=desk,
            traffic=self.traffic,
            throttle=self.throttle,
            certificate=certificate,
            now_ms=lambda: NOON,
            leaves=lambda _: self.others_have_fewer,
        )
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.started = False

    @property
    def address(self) -> tuple[str, int]:
        return self.listener.address

    @property
    def session(self) -> Session:
        """The one connection there is, from the inside."""
        (session,) = self.traffic._sessions
        assert isinstance(session, Session)
        return session

    async def drained(self, timeout: float) -> bool:
        """As a process ends: the door is closed, and whoever is inside waited for."""
        self.listener.stop_accepting()
        return await self.traffic.drain(timeout)

    def start(self) -> "Hall":
        self.call(self.listener.start)
        self.started = True
        return self

    def run(self, work: Coroutine[Any, Any, Result], timeout: float = 20.0) -> Result:
        """Runs a coroutine in the listener's loop."""
        return self.begin(work).result(timeout)

    def begin(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Begins a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, function: Callable[[], Result]) -> Result:
        """Calls a function there."""

        async def called() -> Result:
            return function()

        return self.run(called())

    def later(self, seconds: float, looks: int = 1) -> None:
        """Lets time pass, and the sessions see it; several times, before anything else has its turn."""

        def passes() -> None:
            self.clock.now += seconds
            for _ in range(looks):
                self.traffic.look()

        self.call(passes)  # in the loop, so that nothing is between two looks at the clock

    def settled(self, condition: Callable[[], bool]) -> None:
        """Waits until the listener's loop has come to `condition`; fails after ten seconds."""

        async def wait() -> None:
            async with asyncio.timeout(10):
                while not condition():
                    await asyncio.sleep(0.001)

        self.run(wait())

    def connect(self, *, login: bool = False, greet: bool = True) -> Client:
        """A raw client, greeted and perhaps logged in."""
        client = Client(self.address)
        if greet or login:
            client.greet()
        if login:
            assert client.login(USER, PASSWORD).code == 235
        return client

    def close(self) -> None:
        """Ends everything; whatever asyncio complained about fails the test."""
        if self.desk.gate is not None:
            self.desk.gate.set()
        self.call(self.listener.stop_accepting)
        self.run(self.traffic.drain(0.01))
        self.run(self._tidied())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
        assert self.may_complain or not self.complaints, self.complaints
        assert self.traffic.memory.used == 0, "memory was not given back"
        left = [*filter(None, self.traffic._tally._own)]
        assert not left, "a connection was not counted out"

    async def _tidied(self) -> None:
        async with asyncio.timeout(10):
            while self.traffic.sessions or self.traffic.commits:
                await asyncio.sleep(0.001)
        await self.loop.shutdown_asyncgens()


MakeHall = Callable[..., Hall]
TERMS = Terms("relay.test", plaintext_auth=True)


@pytest.fixture
def make_hall(request: pytest.FixtureRequest) -> Iterator[MakeHall]:
    """Makes listeners: `make_hall(max_recipients=3)`; on the event loop of its parameter, ended with the test."""
    made: list[Hall] = []

    def make(
        desk: ScriptedDesk | None = None,
        *,
        start: bool = True,
        certificate: Certificate | None = None,
        **changes: Any,
    ) -> Hall:
        uv = request.param == "uvloop"
        made.append(Hall(replace(TERMS, **changes), desk or ScriptedDesk(), uv=uv, certificate=certificate))
        return made[-1].start() if start else made[-1]

    yield make
    for hall in made:
        hall.close()


@pytest.fixture
def hall(make_hall: MakeHall) -> Hall:
    """A listener with everything as it is by default."""
    return make_hall()
