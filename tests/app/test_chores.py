"""What has to be done from time to time, beside those who do something else meanwhile."""

import asyncio

from tests.support.inside import Inside, MakeInside
from tests.support.provider import Provider


async def _paused_while_asked(inside: Inside) -> frozenset[str]:
    app = inside.app
    await app.chores.stop()  # none but ours asks
    asked = asyncio.ensure_future(app.chores._providers())
    await asyncio.sleep(0)
    app.healths.paused = frozenset({"lab"})  # a person, after the store was read
    await asked
    return app.healths.paused


def test_a_look_at_the_providers_does_not_undo_the_pause_that_came_meanwhile(
    make_inside: MakeInside, provider: Provider
) -> None:
    inside = make_inside({}, providers=[provider.settings()])
    assert inside.run(_paused_while_asked(inside)) == {"lab"}
