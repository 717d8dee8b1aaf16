"""Which provider takes a message, and who follows."""

from collections import Counter
from dataclasses import replace

import pytest

from config.delivery import Condition
from config.loader import load
from config.providers import ProviderSettings
from relay.delivery.route import Draws, condition_holds, fitting, route
from relay.store.parcel import Parcel
from tests.support.settings import settings, write

PARCEL = Parcel("send_1", "t", "m", "a@x.test", "a@news.x.test", "commercial", 5000, 0, "", {}, {}, {}, ())
NAMES = ("agent", "acme")


@pytest.fixture
def made(tmp_path):
    def make(*providers: dict) -> tuple[ProviderSettings, ...]:
        whole = [{"provider": "smtp", "host": "127.0.0.1", "tls": "none"} | p for p in providers]
        return load(write(tmp_path, settings(tmp_path, providers=whole))).settings.providers

    return make


def names(
    providers, *, may_try=lambda _: True, waits=lambda _: False, draw=0.0, domain="y.test", parcel=PARCEL
) -> list[str]:
    chosen = route(providers, parcel, domain, names=NAMES, may_try=may_try, waits=waits, draw=draw)
    return [p.name for p in chosen]


def test_what_waits_for_a_provider_goes_nowhere_else_and_the_share_of_the_others_stays_theirs(made):
    providers = made({"name": "a", "weight": 1}, {"name": "b", "weight": 1}, {"name": "c", "weight": 0})
    shut = {"may_try": lambda name: name != "a", "waits": lambda name: name == "a"}
    assert names(providers, **shut, draw=0.2) == []
    assert names(providers, **shut, draw=0.7) == ["b", "c"]


@pytest.mark.parametrize("start", [0.0, 0.2, 0.618, 0.999])
@pytest.mark.parametrize("messages", [10, 100, 5000])
def test_Show2_a_split_of_80_20_0_is_kept_but_for_two_messages_however_few_there_are(made, start, messages):
    providers = made({"name": "a", "weight": 80}, {"name": "b", "weight": 20}, {"name": "c", "weight": 0})
    draws = Draws(start)
    counts = Counter(names(providers, draw=draws())[0] for _ in range(messages))
    assert abs(counts["a"] - 0.8 * messages) <= 2
    assert abs(counts["b"] - 0.2 * messages) <= 2
    assert counts["c"] == 0


@pytest.mark.parametrize("rhythm", [2, 5, 10])
def test_Show2_a_rhythm_of_the_traffic_does_not_fall_in_with_the_split(made, rhythm):
    providers = made({"name": "a", "weight": 80}, {"name": "b", "weight": 20})
    draws = Draws(0.0)
    chosen = [names(providers, draw=draws())[0] for _ in range(5000)][::rhythm]
    assert abs(chosen.count("a") - 0.8 * len(chosen)) <= 5


def test_weighted_providers_follow_first_and_backups_in_the_order_of_the_file(made):
    providers = made(
        {"name": "backup", "weight": 0, "failover": True},
        {"name": "a", "weight": 1},
        {"name": "lab", "weight": 0},
        {"name": "b", "weight": 1},
    )
    assert names(providers, draw=0.9) == ["b", "a", "backup", "lab"]


def test_the_traffic_of_a_closed_provider_is_divided_among_the_others(made):
    providers = made({"name": "a", "weight": 50}, {"name": "b", "weight": 30}, {"name": "c", "weight": 20})
    draws = Draws(0.0)
    counts = Counter(names(providers, may_try=lambda n: n != "a", draw=draws())[0] for _ in range(5000))
    assert abs(counts["b"] - 3000) <= 2


def test_of_one_group_one_is_tried(made):
    providers = made({"name": "a", "group": "g"}, {"name": "b", "group": "g", "weight": 0}, {"name": "c", "weight": 0})
    assert names(providers) == ["a", "c"]
    assert names(providers, may_try=lambda n: n != "a") == ["b", "c"]


@pytest.mark.parametrize(("draw", "first"), [(0.0, "a"), (0.7999, "a"), (0.8, "b"), (0.9999999, "b")])
def test_the_draw_is_exact_at_its_edges(made, draw, first):
    assert names(made({"name": "a", "weight": 80}, {"name": "b", "weight": 20}), draw=draw)[0] == first


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"classes": ("commercial",)}, True),
        ({"classes": ("transactional",)}, False),
        ({"mailboxes": ("agent",)}, True),
        ({"mailboxes": ("other",)}, False),
        ({"tenants": ("acme",)}, True),
        ({"tenants": ("other",)}, False),
        ({"sender_domains": ("news.x.test",)}, True),
        ({"sender_domains": (".x.test",)}, True),
        ({"sender_domains": ("x.test",)}, False),
        ({"sender_domains": (".news.x.test",)}, False),
        ({"recipient_domains": ("y.test",)}, True),
        ({"recipient_domains": ("z.test", ".test")}, True),
        ({"recipient_domains": ("z.test",)}, False),
        ({"classes": ("commercial",), "tenants": ("other",)}, False),
    ],
)
def test_every_list_of_a_condition_must_match(when, holds):
    assert condition_holds(Condition(**when), PARCEL, "y.test", NAMES) == holds


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        ({}, True),
        ({"message_size": "1KiB"}, False),
        ({"message_size": "5KB"}, True),
        ({"rate": 0}, False),
        ({"daily": 0}, False),
    ],
)
def test_R52_limits_that_leave_nothing_leave_the_provider_out(made, limits, fits):
    assert bool(fitting(made({"name": "a", "limits": limits}), PARCEL, "y.test", NAMES)) == fits


def test_an_unconfigured_provider_is_left_out(made):
    (ready,) = made({"name": "a"})
    assert names((replace(ready, status="unconfigured"),)) == []
