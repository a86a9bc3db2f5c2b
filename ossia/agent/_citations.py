"""What an answer cites of the pages that the session's browser opened, and those pages of an earlier process."""

from collections.abc import Iterable, Mapping

from ossia.agent.result import ToolCall
from ossia.tools.browser import CitedText, OpenBrowser
from ossia.tools.protocol import OpenTool


def cited(final: str | None, tools: Mapping[str, OpenTool]) -> CitedText | None:
    """The answer with its citations, which stay in it as they were written; None without a browser or an answer."""
    browser = next((tool for tool in tools.values() if isinstance(tool, OpenBrowser)), None)
    return None if browser is None or final is None else browser.cite(final, "raw")


async def recall(calls: Iterable[ToolCall], tools: Mapping[str, OpenTool]) -> None:
    """Give the browser of a resumed run the cursors that recorded calls had left, without asking the web again."""
    for call in calls:
        tool = tools.get(call.recipient)
        if isinstance(tool, OpenBrowser):
            await tool.recall(call.recipient, call.arguments, call.text)
