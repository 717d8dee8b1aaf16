"""A mailbox that asks much at once waits for its own mail, and nobody else waits for it."""

import asyncio

from relay.submission.patience import AT_ONCE, Turns


async def test_a_mailbox_waits_for_its_own_turns_in_order_and_no_other_waits_for_it():
    turns, asked, release = Turns(), [], asyncio.Event()

    async def ask(mailbox: str, recipients: int) -> None:
        async with turns.turn(mailbox, recipients):
            asked.append((mailbox, recipients))
            await release.wait()

    flood = [asyncio.create_task(ask("a", recipients)) for recipients in (AT_ONCE, 1, AT_ONCE + 9, 2)]
    await asyncio.sleep(0)
    other = asyncio.create_task(ask("b", AT_ONCE))
    await asyncio.sleep(0)
    assert asked == [("a", AT_ONCE), ("b", AT_ONCE)]
    flood[1].cancel()
    release.set()
    await asyncio.gather(*flood, other, return_exceptions=True)
    assert asked[2:] == [("a", AT_ONCE + 9), ("a", 2)]
