"""Counting: windows, distinct recipients, and what the store keeps of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.usage import DAY, HOUR, MINUTE, Usage, Window, hourly
from tests.policy.cases import add_sent

NOW = 1_774_348_200_000
times = st.lists(st.integers(0, 3 * HOUR).map(lambda ago: NOW - ago), max_size=60).map(sorted)


@given(times)
def test_a_window_holds_all_of_the_last_hour_and_nothing_older_than_a_minute_more(moments: list[int]) -> None:
    window = hourly()
    for at in moments:
        window.add(at, 1)
    counted = window.count(NOW)
    assert counted >= sum(1 for at in moments if at > NOW - HOUR)
    assert counted <= sum(1 for at in moments if at > NOW - HOUR - MINUTE)


@given(times, st.integers(1, 10), st.integers(1, 10))
def test_a_window_has_room_when_it_said_and_not_a_minute_before(moments: list[int], needed: int, limit: int) -> None:
    window = hourly()
    for at in moments:
        window.add(at, 1)
    free = window.frees_at(NOW, needed, limit)
    if needed > limit:
        assert free == 0
    else:
        assert window.count(free) + needed <= limit
        assert free == NOW or window.count(free - MINUTE) + needed > limit


def test_what_leaves_later_counts_from_now_until_it_has_left_the_window() -> None:
    window = hourly()
    window.add(NOW, 1, NOW + 2 * HOUR)
    window.add(NOW, 1)
    assert window.count(NOW) == 2
    assert window.buckets == {NOW // MINUTE: 1, (NOW + 2 * HOUR) // MINUTE: 1}
    assert window.count(NOW + 62 * MINUTE) == 1
    assert window.count(NOW + 3 * HOUR + 2 * MINUTE) == 0


def test_the_oldest_minute_counts_until_all_of_it_has_left_the_window() -> None:
    window = hourly()
    window.add(NOW - HOUR + MINUTE - 1, 1)
    window.add(NOW, 1)
    assert window.count(NOW) == window.busiest(NOW) == 2
    window.add(NOW + MINUTE, 1)
    assert window.buckets == {NOW // MINUTE: 1, NOW // MINUTE + 1: 1}


def test_a_clock_set_back_counts_into_the_newest_minute_it_knows() -> None:
    window = hourly()
    window.add(NOW, 1)
    window.add(NOW - 30 * MINUTE, 1)
    window.add(NOW - 30 * MINUTE, 1, NOW - 20 * MINUTE)
    assert not window.set_back(NOW - HOUR)
    assert window.buckets == {NOW // MINUTE: 3}


def test_a_clock_set_back_by_more_than_a_window_takes_along_what_it_counted_and_what_it_put_off() -> None:
    window = hourly()
    window.add(NOW + 90 * MINUTE, 1)
    window.add(NOW + 2 * HOUR, 2)
    window.add(NOW + 2 * HOUR, 4, NOW + 5 * HOUR)
    assert window.set_back(NOW)
    window.add(NOW, 1)
    assert (window.head, window.buckets) == (NOW // MINUTE, {NOW // MINUTE: 4, (NOW + 3 * HOUR) // MINUTE: 4})


@given(
    st.dictionaries(st.integers(1, 20), st.integers(1, 3), max_size=9),
    st.integers(0, 12),
    st.integers(0, 20),
    st.integers(0, 6),
)
def test_there_is_room_where_no_window_that_would_contain_one_more_is_full(
    buckets: dict[int, int], head: int, at: int, limit: int
) -> None:
    window, span = Window(1, 3, buckets, head), 3

    def fullest(here: int) -> int:
        return max(
            sum(n for bucket, n in buckets.items() if end - span <= bucket <= end)
            for end in range(here, here + span + 1)
        )

    here = max(head, at)
    assert window.busiest(at) == fullest(here)
    free = next((bucket for bucket in range(here, 30) if fullest(bucket) < limit), 0)
    assert window.room_at(at, limit) == (at if free == here else free)


turns = st.lists(st.tuples(st.sampled_from([0, 1, 7, 20, 31, 62]), st.sampled_from([0, 0, 0, 10, 60, 61, 500, 10_000])))


@given(turns, st.integers(1, 4))
def test_no_clock_set_back_frees_a_limit_or_stops_it_for_more_than_two_windows(
    walk: list[tuple[int, int]], limit: int
) -> None:
    window, now, behind = hourly(), NOW, 0  # `now` as it is, and by how much the clock was set back
    taken: list[int] = []

    def take() -> bool:
        window.set_back(now - behind)
        if window.count(now - behind) >= limit:
            return False
        window.add(now - behind, 1)
        taken.append(now)
        return True

    for minutes, back in walk:
        now, behind = now + minutes * MINUTE, behind + back * MINUTE
        while take():
            pass
        assert sum(1 for at in taken if at > now - HOUR) <= limit
    now += 2 * HOUR + 2 * MINUTE
    assert take()


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 20)), max_size=80), st.sampled_from([1, 5, 60, 120, 1440]))
def test_distinct_recipients_are_counted_exactly(walk: list[tuple[int, int]], minutes: int) -> None:
    usage, last, now = Usage(), dict[int, int](), NOW
    for person, pause in walk:
        now += pause * MINUTE
        usage.move_latest(last.get(person, 0), now)
        last[person] = now
    width = MINUTE if minutes <= 60 else HOUR
    span = minutes if minutes <= 60 else minutes // 60
    latest, buckets = usage.latest_window(minutes)
    assert latest.count(now, buckets) == sum(1 for at in last.values() if at // width >= now // width - span)


@given(times)
def test_what_the_store_keeps_counts_the_same(moments: list[int]) -> None:
    usage = Usage()
    for at in moments:
        add_sent(usage, at, 2, at + HOUR)
        usage.add_first_contacts(at, 1)
        usage.add_negative(at, 1)
        usage.move_latest(0, at)
    read = Usage.from_json(usage.as_json())
    assert read == usage
    assert [w.head for _, w in read.windows() if w.buckets] == [w.head for _, w in usage.windows() if w.buckets]


def test_an_empty_usage_keeps_nothing() -> None:
    assert Usage().as_json() == {}


def test_wider_windows_are_asked_where_an_operator_looks_further_back() -> None:
    usage = Usage()
    for ago, count in ((3 * DAY, 4), (0, 1)):
        usage.add_first_contacts(NOW - ago, count)
        usage.add_negative(NOW - ago, count)
    asked = (*map(usage.first_contacts_window, (1, 7)), *map(usage.negative_window, (24, 168)))
    assert [window.count(NOW, span) for window, span in asked] == [1, 5, 1, 5]


@pytest.mark.parametrize(
    ("name", "unit", "lengths"),
    [
        ("latest_window", MINUTE, (1, 60, 61, 120, 1440)),
        ("leaving_window", MINUTE, (1, 60, 61, 120, 1440)),
        ("first_contacts_window", DAY, (1, 2, 31)),
        ("negative_window", HOUR, (1, 24, 25, 48, 744)),
    ],
)
def test_a_rules_window_holds_all_it_looks_back_over(name: str, unit: int, lengths: tuple[int, ...]) -> None:
    for length in lengths:
        window, span = getattr(Usage(), name)(length)
        assert length * unit <= span * window.width < length * unit + window.width
        assert span <= window.span


@pytest.mark.parametrize(
    ("counted", "eases"),
    [((), None), ((0,), 61), ((-61,), None), ((-61, -60, 61), 1), ((-61, 60, 61), 121), ((61,), None)],
)
def test_a_window_eases_when_the_oldest_count_leaves_that_shares_one_with_the_time_asked_about(
    counted: tuple[int, ...], eases: int | None
) -> None:
    here = NOW // MINUTE
    window = Window(MINUTE, 60, {here + minute: 1 for minute in counted}, here)
    assert window.eases_at(NOW) == (0 if eases is None else (here + eases) * MINUTE)
