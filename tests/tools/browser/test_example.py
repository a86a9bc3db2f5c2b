"""The research agent of the examples: it answers from a folder, with citations that can be checked."""

import json
from pathlib import Path

import pytest

from ossia import Agent, Browser, UserError
from ossia.agent.task import load_task
from ossia.cli._corpus import with_corpus
from ossia.testing import Play, ScriptedEngine
from ossia.tools.browser import Corpus

EXAMPLE = Path(__file__).parents[3] / "examples" / "research.yaml"
CALL = "<|channel|>analysis to=browser.{name} code<|message|>{arguments}<|call|>"
SCRIPT = [
    "<|channel|>analysis<|message|>Let me search.<|end|><|start|>assistant"
    + CALL.format(name="search", arguments='{"query": "height of the Falcon 9", "topn": 3}'),
    CALL.format(name="open", arguments='{"cursor": 0, "id": 0}'),
    CALL.format(name="find", arguments='{"pattern": "metres"}'),
    "<|channel|>final<|message|>It is 70 metres tall【1†L4】, or so it is said【7†L1】.<|return|>",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OSSIA_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "rockets"
    folder.mkdir()
    (folder / "falcon.md").write_text("# Falcon 9\n\nThe Falcon 9 is 70 metres tall.\n")
    (folder / "ariane.md").write_text("# Ariane 5\n\nThe Ariane 5 is 52 metres tall.\n")
    return folder


async def test_the_research_agent_answers_from_a_folder_with_citations(folder: Path) -> None:
    task = with_corpus(load_task(EXAMPLE, inputs={"question": "How tall is the Falcon 9?"}), folder)
    (tool,) = task.agent().tools
    assert tool == Browser(corpus=str(folder), timeout=60)
    async with Agent(engine=ScriptedEngine(SCRIPT), tools=[tool], instructions=task.config.agent.instructions) as agent:
        result = await agent.run(task.text)
    assert result.outcome == "final"
    assert [call.recipient for call in result.tool_calls] == ["browser.search", "browser.open", "browser.find"]
    assert result.tool_calls[1].text.startswith("[1] Falcon 9 (corpus://rockets/falcon.md)")
    assert result.cited is not None
    (citation,) = result.cited.citations
    assert (citation.url, citation.title) == ("corpus://rockets/falcon.md", "Falcon 9")
    assert citation.quote == "The Falcon 9 is 70 metres tall."
    assert result.final is not None
    assert result.final[citation.start : citation.end] == "【1†L4】"
    assert [unresolved.reason for unresolved in result.cited.unresolved] == ["there is no cursor 7"]


async def test_a_run_that_goes_on_from_its_journal_has_its_cursors(folder: Path) -> None:
    browser = Browser(corpus=Corpus(folder, index=folder.parent / "index.sqlite3"))
    async with Agent(engine=ScriptedEngine([*SCRIPT[:2], Play(SCRIPT[2], fail_after=1)]), tools=[browser]) as agent:
        cut = await agent.run("How tall?")
    assert cut.outcome == "infrastructure"
    async with Agent(engine=ScriptedEngine(SCRIPT[2:]), tools=[browser]) as agent:
        result = await agent.fork(cut.run_id, at=2)
    assert result.outcome == "final"
    assert result.tool_calls[-1].text.startswith("[2] Find results for text: `metres` in `Falcon 9`")
    assert result.cited is not None
    assert len(result.cited.citations) == 1


def test_a_corpus_that_is_no_folder_is_refused(folder: Path) -> None:
    task = load_task(EXAMPLE, inputs={"question": "?"})
    with pytest.raises(UserError, match="there is no such folder"):
        with_corpus(task, folder / "none")
    assert json.loads(json.dumps(task.config.tools[0])) == {"browser": {"timeout": 60}}
