"""What has to be done from time to time, beside those who do something else meanwhile."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from relay.store.partitions import BODIES, EVENTS, periods
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


@pytest.mark.needs("postgresql")
def test_who_reads_one_table_for_long_does_not_keep_the_coming_days_of_another_from_being_made(
    make_inside: MakeInside, migrated_postgres_url: str
) -> None:
    inside = make_inside({"storage": {"url": migrated_postgres_url}})
    inside.run(inside.app.chores.stop())  # none but ours
    writing = inside.app.database.writing
    with writing.begin() as connection:
        made = [periods(connection, cut) for cut in (BODIES, EVENTS)]
        for own in made:
            connection.execute(text(f"DROP TABLE {own[-1].name}"))
    with writing.connect() as reader, reader.begin():
        reader.execute(text("LOCK TABLE events_default IN ACCESS SHARE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"):
            inside.run(inside.app.chores._retention())
        with writing.connect() as connection:
            assert [periods(connection, cut) for cut in (BODIES, EVENTS)] == [made[0], made[1][:-1]]
