"""Reads two replies with akmon's client of a protocol or a provider's SDK: ``decode.py SIDE PROTOCOL URL``.

Prints for each reply the seconds of processor time, the seconds, the megabytes at the peak, and how many
characters came.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from akmon_core.messages import Text, User
from akmon_core.models import ModelRequest, ModelRow
from akmon_core.stream import TextDelta
from akmon_models.backend import Backend
from akmon_models.registry import open_model

ASK: list[Any] = [{"role": "user", "content": "hi"}]
PROVIDERS = {
    "messages": ("anthropic", ""),
    "chat": ("openai-compatible", "/v1"),
    "responses": ("openai", "/v1"),
    "ollama": ("ollama", ""),
    "converse": ("bedrock", ""),
}
"""By protocol: who speaks it, and the path of its address."""


async def akmon(protocol: str, url: str) -> AsyncIterator[str]:
    provider, path = PROVIDERS[protocol]
    backend = Backend(api_key="none", base_url=url + path, options={"region": "us-east-1"})
    row = ModelRow(match="m", api="responses" if protocol == "responses" else "chat")
    model = open_model(f"{provider}/m", {provider: backend}, rows=[row])
    while True:
        async for event in model.stream(ModelRequest(system="", messages=(User((Text("hi"),)),), tools=())):
            if isinstance(event, TextDelta):
                yield event.text
        yield ""


async def messages(url: str) -> AsyncIterator[str]:
    from anthropic import AsyncAnthropic

    async with AsyncAnthropic(base_url=url, api_key="none") as client:
        while True:
            async for event in await client.messages.create(
                model="m", max_tokens=1000, messages=ASK, stream=True
            ):
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
            yield ""


async def chat(url: str) -> AsyncIterator[str]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
        while True:
            async for chunk in await client.chat.completions.create(model="m", messages=ASK, stream=True):
                for choice in chunk.choices:
                    if choice.delta.content:
                        yield choice.delta.content
            yield ""


async def responses(url: str) -> AsyncIterator[str]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
        while True:
            async for event in await client.responses.create(model="m", input="hi", stream=True):
                if event.type == "response.output_text.delta":
                    yield event.delta
            yield ""


async def ollama(url: str) -> AsyncIterator[str]:
    from ollama import AsyncClient

    client = AsyncClient(url)
    while True:
        async for line in await client.chat("m", messages=ASK, stream=True):
            if line.message.content:
                yield line.message.content
        yield ""


async def converse(url: str) -> AsyncIterator[str]:
    """This SDK is not asynchronous."""
    from botocore.session import Session

    client = Session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    content = [{"role": "user", "content": [{"text": "hi"}]}]
    while True:
        for event in client.converse_stream(modelId="m", messages=content)["stream"]:
            if "contentBlockDelta" in event:
                yield event["contentBlockDelta"]["delta"]["text"]
        yield ""


SDKS: dict[str, Callable[[str], AsyncIterator[str]]] = {
    "messages": messages,
    "chat": chat,
    "responses": responses,
    "ollama": ollama,
    "converse": converse,
}


async def main() -> None:
    side, protocol, url = sys.argv[1:]
    pieces = akmon(protocol, url) if side == "akmon" else SDKS[protocol](url)
    replies = characters = 0
    cpu, clock = time.process_time(), time.monotonic()
    async for text in pieces:
        characters += len(text)
        if text:
            continue
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(time.process_time() - cpu, time.monotonic() - clock, peak, characters)
        replies, characters = replies + 1, 0
        if replies == 2:
            break
        cpu, clock = time.process_time(), time.monotonic()


asyncio.run(main())
