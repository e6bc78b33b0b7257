"""Runs inside a pod, as `python -c`: listens on ports, or tells which places it reaches.

Usage: serve PORT... | dial ADDRESS:PORT...

It answers with those reached, one a line. What is not reached was refused by a policy, provided
that somebody listens there: some engines drop a packet, others say that nobody listens.
"""

import asyncio
import sys

# A policy's silence must not be taken for a slow answer, even on a busy machine.
PATIENCE_S = 2.0


async def serve(ports: list[int]) -> None:
    servers = [
        await asyncio.start_server(lambda _, writer: writer.close(), port=port) for port in ports
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def dial(places: list[str]) -> None:
    answers = await asyncio.gather(*map(reaches, places))
    for place, is_reached in zip(places, answers, strict=True):
        if is_reached:
            sys.stdout.write(f"{place}\n")


async def reaches(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    asyncio.run(serve(list(map(int, words))) if command == "serve" else dial(words))
