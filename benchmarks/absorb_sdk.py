"""Iterates over a stream with the SDK; prints its processor seconds and how many characters came."""

from __future__ import annotations

import asyncio
import sys
import time

from openai import AsyncOpenAI


async def main() -> None:
    async with AsyncOpenAI(base_url=sys.argv[1], api_key="none") as client:
        await absorb(client)
        began = time.process_time()
        characters = await absorb(client)
        print(time.process_time() - began, characters)


async def absorb(client: AsyncOpenAI) -> int:
    stream = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    characters = 0
    async for chunk in stream:
        for choice in chunk.choices:
            characters += len(choice.delta.content or "")
    return characters


asyncio.run(main())
