"""Many runs at once: the engine batches their tokens, each has a sandbox of its own.

python examples/many.py
"""

import asyncio

from ossia import Agent, Limits, Python


async def main() -> None:
    gate = asyncio.Semaphore(4)  # as many sandboxes at a time
    async with Agent(tools=[Python()], limits=Limits(steps=5, step_tokens=256)) as agent:

        async def ask(n: int) -> str:
            async with gate:
                result = await agent.run(f"What is {n} * {n + 1}?")
            return f"{n} * {n + 1}: {result.final} [{result.outcome}]"

        for line in await asyncio.gather(*(ask(n) for n in range(100, 108))):
            print(line)


if __name__ == "__main__":
    asyncio.run(main())
