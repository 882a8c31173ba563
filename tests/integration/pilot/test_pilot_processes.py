"""Pilots as processes: a Frontgate moves between them, one is killed, and nothing is lost."""

import asyncio
import datetime as dt

from pilots import Pilots, Wanderer, eventually

from pitrix_core.store import tables

MESSAGES, REPORTS = 60, 60


def test_moves_and_kills_lose_and_double_nothing(pilots: Pilots) -> None:
    """Every message arrives, in order; every report is kept, and no older one over a newer."""
    for which in (0, 1):
        pilots.start(which)
    wanderer = Wanderer(pilots, reports=REPORTS)

    async def main() -> None:
        stop = asyncio.Event()
        wandering = asyncio.create_task(wanderer.wander(stop))
        for number in range(MESSAGES):
            await asyncio.to_thread(pilots.send, number)
            await asyncio.sleep(0.01)  # while it wanders, not a wait
            if number % 30 == 15:
                await eventually(lambda: wanderer.moves > 2)
                await asyncio.to_thread(pilots.kill, number // 30)
                pilots.start(number // 30)
        await eventually(lambda: not wanderer.waiting and not pilots.unacknowledged())
        stop.set()
        await wandering

    asyncio.run(main())

    assert list(wanderer.acted) == [f"m-{number}" for number in range(MESSAGES)]
    assert pilots.reported() == REPORTS
    assert wanderer.came > MESSAGES  # some came twice, under the same id


def test_a_pilot_that_died_is_not_believed_to_hold_anything(pilots: Pilots) -> None:
    """The next one to start notices, though the Frontgate never came back."""
    with pilots.store.begin() as tx:
        tx.agents.connect(
            "fg-1", pilot_id="pil-dead", endpoints=["http://10.0.0.2:2379"], protocol=2
        )
    with pilots.store.engine.begin() as connection:
        long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        connection.execute(tables.frontgates.update().values(seen_at=long_ago))

    pilots.start(0)

    asyncio.run(eventually(lambda: pilots.frontgate().connected_at is None))
    assert pilots.frontgate().pilot_id is None
