"""The one layer that tries a failed model call again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from akmon_core.errors import ProviderError
from akmon_core.limits import RETRIES, RETRY_MAX_SECONDS, RETRY_MIN_SECONDS
from akmon_core.models import Model, ModelFacts, ModelRequest
from akmon_core.stream import ReplyDone, Retrying, StreamEvent


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def _random() -> float:
    import random

    return random.random()


class Retried:
    """A model that is asked again after a failure that may pass, also when a reply broke off midway.

    Before each wait it yields ``Retrying``: what the attempt had streamed is void. The usage in the final
    ``ReplyDone`` is that of the reply that succeeded; what a broken attempt cost is known only as far as
    its ``UsageSeen`` events told, which are passed on like everything else.
    """

    def __init__(
        self,
        model: Model,
        *,
        sleep: Callable[[float], Awaitable[None]] = _sleep,
        random: Callable[[], float] = _random,
    ) -> None:
        self._model = model
        self._sleep = sleep
        self._random = random

    @property
    def facts(self) -> ModelFacts:
        return self._model.facts

    async def close(self) -> None:
        await self._model.close()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        for attempt in range(1, RETRIES + 2):
            try:
                async with aclosing(self._model.stream(request)) as events:
                    async for event in events:
                        yield event
                        if isinstance(event, ReplyDone):
                            return
                raise ProviderError("protocol", f"{self.facts.provider} ended its reply without a last event")
            except ProviderError as error:
                failed = error
            wait = self._wait(failed, attempt)
            yield Retrying(attempt=attempt + 1, attempts=RETRIES + 1, wait=wait, reason=str(failed))
            await self._sleep(wait)

    def _wait(self, error: ProviderError, attempt: int) -> float:
        """Seconds until the next attempt, or ``error`` itself if there should be none."""
        if not error.retryable:
            raise error
        if error.retry_after is not None and error.retry_after > RETRY_MAX_SECONDS:
            raise _with(
                error,
                f"The server asks to wait {error.retry_after:.0f} seconds, and akmon waits at most "
                f"{RETRY_MAX_SECONDS:.0f}: come back then.",
            )
        if attempt > RETRIES:
            raise _with(error, f"That was attempt {attempt} of {RETRIES + 1}.")
        backoff = RETRY_MIN_SECONDS * 2 ** (attempt - 1) * (1 + self._random())
        asked = backoff if error.retry_after is None else max(error.retry_after, RETRY_MIN_SECONDS)
        return min(asked, RETRY_MAX_SECONDS)


def _with(error: ProviderError, more: str) -> ProviderError:
    return ProviderError(error.kind, f"{error} {more}", status=error.status, retry_after=error.retry_after)
