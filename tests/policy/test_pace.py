"""How many people an agent may write to within minutes, and whom another mailbox has to itself."""

import pytest
from msgspec.structs import replace

from policy.state import State
from policy.usage import HOUR, MINUTE, Usage
from tests.policy.cases import NOW, add_sent, facts, judged, state, to, with_mailbox, with_rule


def crowded(**more: object) -> State:
    """A mailbox that just wrote to sixty people."""
    usage = Usage()
    for _ in range(60):
        usage.move_latest(0, NOW)
    return with_mailbox(state(), usage=usage, **more)


def test_where_all_mail_waits_it_waits_for_what_went_to_an_alias_which_is_yet_another_recipient_of_a_burst() -> None:
    policy = with_rule("cooldown", all_mail=True)
    assert judged(facts(), to(alias_at=NOW - MINUTE), policy).reason == "cooldown"
    again = replace(crowded(), recipients=to(alias_at=NOW - MINUTE).recipients)
    assert judged(facts(), again).reason == "recipient_burst"


def test_a_bulk_mailbox_may_write_to_a_crowd() -> None:
    assert judged(known=crowded(role="bulk")).decision == "approved"
    assert judged(known=crowded()).reason == "recipient_burst"


def test_a_burst_is_refused_though_its_copy_would_leave_in_another_crowd() -> None:
    known = crowded()
    add_sent(known.mailbox.usage, NOW, 60, NOW + HOUR)
    assert judged(facts(send_at=NOW + HOUR), known).reason == "recipient_burst"


@pytest.mark.parametrize(
    ("holder", "ago", "reason"),
    [
        ("", 0, ""),
        ("mbx_1", 0, ""),
        ("mbx_2", 0, "lease_conflict"),
        ("mbx_2", 59_999, "lease_conflict"),
        ("mbx_2", MINUTE, ""),
    ],
)
def test_a_lease_binds_other_mailboxes_until_it_ends(holder: str, ago: int, reason: str) -> None:
    policy = with_rule("recipient_lease", mode="enforce", minutes=1)
    assert judged(known=to(leased_by=holder, leased_at=NOW - ago), policy=policy).reason == reason


def test_writing_again_to_somebody_is_no_burst() -> None:
    again = replace(crowded(), recipients=to(last_at=NOW - MINUTE, first_at=1).recipients)
    assert judged(known=again).decision == "approved"
