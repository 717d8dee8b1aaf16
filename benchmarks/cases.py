"""The jobs: connections, messages on each before it is closed, size of a message, and messages in total."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """One job."""

    name: str
    sessions: int
    per_connection: int
    size: int
    messages: int


def _case(sessions: int, per_connection: int, kilobytes: int, messages: int) -> Case:
    size = f"{kilobytes // 1024}m" if kilobytes >= 1024 else f"{kilobytes}k"
    return Case(f"s{sessions}-k{per_connection}-{size}", sessions, per_connection, kilobytes * 1024, messages)


CASES = {
    case.name: case
    for case in (
        _case(1, 20, 2, 200),
        _case(10, 20, 2, 1500),
        _case(50, 20, 2, 1500),
        _case(200, 20, 2, 2000),
        _case(1, 1, 2, 150),
        _case(10, 1, 2, 600),
        _case(50, 1, 2, 600),
        _case(10, 20, 4, 1500),
        _case(50, 20, 4, 1500),
        _case(10, 20, 10, 800),
        _case(4, 5, 1024, 40),
    )
}
QUICK = ("s1-k20-2k", "s10-k20-4k", "s50-k20-4k", "s10-k1-2k")
WARM_UP = Case("warm-up", 5, 5, 2048, 100)
