"""The one layer that tries a failed model call again, and goes on where a reply broke off."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from akmon_core.errors import ProviderError
from akmon_core.limits import FALLBACK_FAILURES, RETRIES, RETRY_MAX_SECONDS, RETRY_MIN_SECONDS
from akmon_core.messages import Assistant, Text, Thinking
from akmon_core.models import Model, ModelFacts, ModelRequest
from akmon_core.prompt import RESUME
from akmon_core.stream import ReplyDone, Retrying, StreamEvent, TextDelta


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def _random() -> float:
    import random

    return random.random()


class Retried:
    """A model that is asked again after a failure that may pass, and another one when it keeps failing.

    A wait is announced by ``Retrying`` as it begins and then each second of it. The text of a reply that
    broke off stays: the next attempt goes on behind it, and the message at the end holds both. Its calls and
    thinking are void. ``UsageSeen`` events of every attempt are passed on; the usage in ``ReplyDone`` is that
    of the last one alone.

    ``fallback`` takes over for good after the third failure in a row, or when the server asks for a longer
    wait than akmon makes.
    """

    def __init__(
        self,
        model: Model,
        fallback: Model | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = _sleep,
        random: Callable[[], float] = _random,
    ) -> None:
        self._models = (model, fallback) if fallback else (model,)
        self._model = model
        self._sleep = sleep
        self._random = random

    @property
    def facts(self) -> ModelFacts:
        return self._model.facts

    @property
    def possible(self) -> tuple[ModelFacts, ...]:
        """Of every model that may come to be asked."""
        return tuple(model.facts for model in self._models)

    async def close(self) -> None:
        try:
            await self._models[0].close()
        finally:
            for fallback in self._models[1:]:
                await fallback.close()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        said = ""
        attempt = 1
        while True:
            before = said
            try:
                async with aclosing(self._model.stream(_continuing(request, before))) as events:
                    async for event in events:
                        if isinstance(event, ReplyDone):
                            yield _joined(before, event)
                            return
                        if isinstance(event, TextDelta):
                            said += event.text
                        yield event
                raise ProviderError("protocol", f"{self.facts.provider} ended its reply without a last event")
            except ProviderError as error:
                failed = error
            if self._take_over(failed, attempt):
                attempt = 1
                yield _retrying(attempt, 0.0, failed, f"{self.facts.provider}/{self.facts.id}")
                continue
            wait = _wait(failed, attempt, self._random())
            attempt += 1
            async for event in self._countdown(_retrying(attempt, wait, failed)):
                yield event

    def _take_over(self, failed: ProviderError, attempt: int) -> bool:
        """Whether the fallback is the model from now on."""
        if self._model is self._models[-1] or not failed.retryable:
            return False
        if attempt < FALLBACK_FAILURES and (failed.retry_after or 0.0) <= RETRY_MAX_SECONDS:
            return False
        self._model = self._models[-1]
        return True

    async def _countdown(self, retrying: Retrying) -> AsyncGenerator[Retrying, None]:
        passed = 0.0
        while passed < retrying.wait:
            yield msgspec.structs.replace(retrying, passed=passed)
            await self._sleep(min(1.0, retrying.wait - passed))
            passed += 1.0


def _retrying(attempt: int, wait: float, failed: ProviderError, model: str = "") -> Retrying:
    return Retrying(attempt=attempt, attempts=RETRIES + 1, wait=wait, reason=str(failed), model=model)


def _continuing(request: ModelRequest, said: str) -> ModelRequest:
    """``request``, or one for the rest of a reply of which ``said`` has arrived."""
    if not said.strip():
        return request
    more = (Assistant((Text(said),), "interrupted"), RESUME)
    return msgspec.structs.replace(request, messages=(*request.messages, *more))


def _joined(said: str, done: ReplyDone) -> ReplyDone:
    """``done`` with a message that begins with what broken attempts said: thinking, text, calls."""
    if not said:
        return done
    message = done.message
    thinking = tuple(part for part in message.parts if isinstance(part, Thinking))
    whole = Assistant((*thinking, Text(said + message.text), *message.calls), message.stop)
    return msgspec.structs.replace(done, message=whole)


def _wait(error: ProviderError, attempt: int, random: float) -> float:
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
    backoff = RETRY_MIN_SECONDS * 2 ** (attempt - 1) * (1 + random)
    asked = backoff if error.retry_after is None else max(error.retry_after, RETRY_MIN_SECONDS)
    return min(asked, RETRY_MAX_SECONDS)


def _with(error: ProviderError, more: str) -> ProviderError:
    return ProviderError(error.kind, f"{error} {more}", status=error.status, retry_after=error.retry_after)
