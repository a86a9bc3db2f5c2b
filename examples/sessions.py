"""A session: the notebook's variables and files stay from turn to turn.

python examples/sessions.py
"""

import asyncio

from ossia import Agent, Python


async def main() -> None:
    async with Agent(tools=[Python()]) as agent, agent.session() as session:
        for question in ("What is 48213 * 777?", "And 12 + 30?"):
            result = await session.run(question)
            print(f"{question} {result.final} [{result.outcome}, {result.usage.sampled_tokens} tokens]")


if __name__ == "__main__":
    asyncio.run(main())
