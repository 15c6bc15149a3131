"""Follows a session's events through a turn; prints its processor seconds and how many characters came.

The whole way: provider client, decoder, engine, journal in memory, and a reader of the events.
"""

from __future__ import annotations

import asyncio
import sys
import time

from akmon_query import Backend, Prompt, Session, TextDelta, TurnEnded, open_session


async def main() -> None:
    backends = {"openai-compatible": Backend(base_url=sys.argv[1])}
    async with open_session("openai-compatible/m", backends=backends) as session:
        await absorb(session)
        began = time.process_time()
        characters = await absorb(session)
        print(time.process_time() - began, characters)


async def absorb(session: Session) -> int:
    events = session.events()
    await session.send(Prompt("hi"))
    characters = 0
    async for envelope in events:
        match envelope.event:
            case TextDelta(text):
                characters += len(text)
            case TurnEnded():
                break
            case _:
                pass
    events.close()
    return characters


asyncio.run(main())
