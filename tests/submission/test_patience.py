"""A mailbox that asks much at once waits for its own mail, and nobody else waits for it."""

import asyncio

from relay.submission.patience import AT_ONCE, Turns


async def test_a_mailbox_waits_for_its_own_turns_in_order_and_no_other_waits_for_it():
    turns, asked, some, all_ = Turns(), [], asyncio.Event(), asyncio.Event()

    async def ask(mailbox: str, recipients: int, release: asyncio.Event = all_) -> None:
        async with turns.turn(mailbox, recipients):
            asked.append((mailbox, recipients))
            await release.wait()

    half = AT_ONCE // 2
    first = asyncio.create_task(ask("a", half, some))
    flood = [asyncio.create_task(ask("a", recipients)) for recipients in (half, 1, AT_ONCE + 9, 2)]
    other = asyncio.create_task(ask("b", AT_ONCE))
    await asyncio.sleep(0)
    assert asked == [("a", half), ("a", half), ("b", AT_ONCE)]
    flood[1].cancel()
    await asyncio.sleep(0)
    some.set()
    await first
    await asyncio.sleep(0)
    assert len(asked) == 3, "half the room is not enough for the next"
    all_.set()
    await asyncio.gather(*flood, other, return_exceptions=True)
    assert asked[3:] == [("a", AT_ONCE + 9), ("a", 2)]
