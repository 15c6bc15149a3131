"""Work beside the loop, which nobody waits for once it is not wanted any more."""

from __future__ import annotations

import asyncio
import threading

import pytest

from akmon_models.wire.background import in_background


def test_the_result_or_the_error_of_the_work_comes_back() -> None:
    async def both() -> None:
        assert await in_background(lambda: 5) == 5
        with pytest.raises(KeyError):
            await in_background({}.popitem)

    asyncio.run(both())


def test_the_loop_goes_on_meanwhile() -> None:
    async def wait() -> bool:
        meanwhile = threading.Event()
        asyncio.get_running_loop().call_soon(meanwhile.set)
        return await in_background(meanwhile.wait)

    assert asyncio.run(wait())


def test_a_cancelled_wait_leaves_the_work_behind() -> None:
    released, ended = threading.Event(), threading.Event()

    def work() -> None:
        released.wait()
        ended.set()

    async def give_up() -> None:
        task = asyncio.create_task(in_background(work))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())  # would not return if it waited for the work
    assert not ended.is_set()
    released.set()
    assert ended.wait()
