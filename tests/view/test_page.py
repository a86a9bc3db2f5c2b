"""What the page of a run holds, whatever was in the run."""

import json
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossia import harmony
from ossia.agent import Agent, CallEnded, CallStarted, Journal, Limits, StepEnded, StepStarted, read_journal
from ossia.agent.playback import play
from ossia.errors import UserError
from ossia.testing import Play, ScriptedEngine
from ossia.tools import ToolResult
from ossia.tools.protocol import Image
from ossia.view import render_run
from ossia.view._images import Images
from ossia.view._text import PROSE, show, visible
from tests.agent.conftest import CALL, FINAL, Echo
from tests.view.conftest import record

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
USELESS = "<|channel|>analysis<|message|>Let me see.<|return|>"
HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=alert(1)><svg/onload=alert(2)>"
    "</pre></details></script><style>*{display:none}</style><a href='javascript:alert(3)'>x</a>"
    "\x1b[31m\x00\x07‮evil⁦⁩​\U000e0041 \"' onclick=alert(4) {{ 7*7 }} {% raw %} &lt;b&gt; <!-- ]]>"
)


@dataclass
class Painter(Echo):
    """A tool that makes images."""

    images: list[bytes] = field(default_factory=lambda: [PNG])

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        result = await super().call(recipient, arguments)
        return replace(result, images=tuple(Image("image/png", data) for data in self.images))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def assert_contained(html: str) -> None:
    """Only the page's own elements are in it, and none of them reaches out or acts."""
    elements = Elements(html)
    own = {"script": 2, "style": 1, "meta": 5}
    for tag, count in own.items():
        assert sum(found == tag for found, _ in elements.found) == count, tag
    assert not {"a", "rect"} & {t for t, a in elements.found if (a.get("href") or "#")[0] != "#"}
    for tag, attributes in elements.found:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form")
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        if tag == "img":
            assert (attributes["src"] or "").startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f‪-‮⁦-⁩​\U000e0000-\U000e007f]", html)


async def test_a_page_tells_the_whole_run(tmp_path: Path) -> None:
    journal = await record(tmp_path, [USELESS, CALL, FINAL], Painter(), instructions="Be brief.")
    html = render_run(journal)
    text = Elements(html).text
    for part in (
        "Say hi",
        "Be brief.",
        "Let me see.",
        "It is 4.",
        "echo.say",
        "it has no call and no final answer",
        journal.stem,
        "attempt 2",
        "image/png, 70 bytes",
    ):
        assert part in text, part
    assert_contained(html)
    assert html.count("<article") == 4


async def test_hostile_text_stays_text(tmp_path: Path) -> None:
    said = HOSTILE.replace("\x1b", "")
    given = json.dumps({"text": HOSTILE, "lines": HOSTILE + "\nx"})
    call = f"<|channel|>commentary to=echo.say json<|message|>{given}<|call|>"
    to_nobody = f"<|channel|>commentary to=python<|message|>{said}<|call|>"
    script = [
        f"<|channel|>analysis<|message|>{said}<|return|>",
        f"<|channel|>analysis<|message|>{said}<|end|><|start|>assistant{call}",
        to_nobody,
        f"<|channel|>final<|message|>{said}<|return|>",
    ]
    journal = await record(tmp_path, script, Painter([HOSTILE]), task=HOSTILE, instructions=HOSTILE)
    html = render_run(journal)
    assert_contained(html)
    text = Elements(html).text
    assert text.count("<script>document.title='pwned'</script>") >= 6
    assert "␛[31m␀␇[U+202E]evil[U+2066][U+2069][U+200B][U+E0041]" in text
    assert "{{ 7*7 }}" in text


async def test_a_doctored_journal_makes_no_markup_and_reads_no_file(tmp_path: Path) -> None:
    """Every string of a journal may be anything."""
    journal = await record(tmp_path / "runs", [CALL, FINAL], Painter())
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)

    def spoil(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        kept = ("type", "transcript", "outcome", "recipient", "arguments", "text")
        return HOSTILE if isinstance(value, str) and key not in kept else value

    head, *lines = journal.read_text().splitlines()
    spoiled = [spoil(json.loads(line)) for line in lines]
    for line in spoiled:
        assert isinstance(line, dict)
        if line["type"] == "call_ended":
            line["images"] = ["../../secret.png", "/etc/passwd", HOSTILE]
            line["details"] = {HOSTILE: HOSTILE}
        if line["type"] == "step_ended":
            line["repairs"] = [HOSTILE]
    journal.write_text("\n".join([head, *map(json.dumps, spoiled), ""]))
    html = render_run(journal)
    assert_contained(html)
    assert "<img" not in html
    assert "an image whose name is no SHA-256" in html


def test_an_image_is_shown_only_as_what_the_journal_named(tmp_path: Path) -> None:
    with Journal(tmp_path / "run.jsonl") as journal:
        good, other, changed = (journal.keep(data) for data in (PNG, b"<svg onload=alert(1)>", PNG + b"x"))
    (tmp_path / "blobs" / changed).write_bytes(PNG)
    images = Images(tmp_path)
    assert images.uri(good)[1] == "image/png, 70 bytes"
    for name in (other, changed, "0" * 64, "../run.jsonl", good.upper()):
        assert images.uri(name)[0] is None


async def test_results_and_prompts_are_folded_when_long(tmp_path: Path) -> None:
    long = "".join(f"line {n}\n" for n in range(500))
    journal = await record(tmp_path, [CALL, FINAL], Echo([long]))
    html = render_run(journal)
    assert "500 lines, 4,389 characters" in html
    assert html.count("line 3\n") == 2
    assert html.count("line 300\n") == 1


async def test_raw_tokens_are_those_of_the_run_with_who_made_them(tmp_path: Path) -> None:
    journal = await record(
        tmp_path,
        [USELESS, CALL, "It is 5.<|return|>"],
        Echo(),
        limits=Limits(steps=1, force_final=True),
        sampling={"logprobs": True},
    )
    data = json.loads(render_run(journal).partition('id="tokens">')[2].partition("</script>")[0])
    groups = data["groups"]
    playback = [playback for playback, _ in play(journal)][-1]
    shown = [token for group in groups for origin, ids, *_ in group if origin != "discarded" for token in ids]
    assert shown == playback.transcript.segments[-1].training_ids()
    origins = [[piece[0] for piece in group] for group in groups]
    assert ["discarded"] in origins
    assert origins[-1] == ["rendered", "forced", "sampled"]
    steps = [event for event in read_journal(journal) if isinstance(event, StepEnded)]
    sampled = [ids for group in groups for origin, ids, *_ in group if origin in ("sampled", "discarded")]
    assert sampled == [list(event.token_ids) for event in steps]
    assert all(len(piece[2]) == len(piece[1]) for group in groups for piece in group if piece[0] == "sampled")
    assert data["text"][str(harmony.CALL)] == "<|call|>"


async def test_a_run_that_was_cut_off_is_shown_as_far_as_it_came(tmp_path: Path) -> None:
    journal = await record(tmp_path, [CALL, FINAL], Echo())
    lines = journal.read_bytes().splitlines(keepends=True)
    for cut in range(2, len(lines)):
        journal.write_bytes(b"".join(lines[:cut]))
        html = render_run(journal)
        assert "unfinished" in html
        called = b"call_started" in lines[cut - 1] or b"step_ended" in lines[cut - 1]
        assert ("has no recorded answer" in html) == (called and cut < 7), cut
        assert ("a completion was under way" in html) == (b"step_started" in lines[cut - 1]), cut


async def test_what_went_wrong_is_said_where_it_did(tmp_path: Path) -> None:
    text = Elements(render_run(await record(tmp_path, [CALL, Play(FINAL, fail_after=1)], Echo()))).text
    assert "infrastructure" in text
    assert "failed after 1 token ids" in text


async def test_an_answer_that_was_refused_is_followed_by_what_the_model_was_told(tmp_path: Path) -> None:
    script = ["<|channel|>final<|message|>four<|return|>", "<|channel|>final<|message|>4<|return|>"]
    html = render_run(await record(tmp_path, script, output={"type": "integer"}))
    assert "asked again: the answer had not the form that was asked for" in html
    assert html.count('class="message user"') == 2


async def test_the_earlier_turns_of_a_session_are_there_and_folded(tmp_path: Path) -> None:
    agent = Agent(engine=ScriptedEngine([CALL, FINAL, FINAL]), tools=[Echo()], journal=tmp_path)
    async with agent, agent.session() as session:
        first = await session.run("Say hi")
        second = await session.run("And now?")
    text = Elements(render_run(tmp_path / f"{second.run_id}.jsonl")).text
    assert "Earlier in the session: 4 messages" in text
    assert first.run_id in text


async def test_what_is_no_journal_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("hello\n")
    with pytest.raises(UserError, match="is no journal"):
        render_run(tmp_path / "run.jsonl")


@given(st.text() | st.text(alphabet="<>&\"'/= \x00\x1b‮\ud800abc{%}#\n"))
def test_any_text_is_shown_as_itself(text: str) -> None:
    for language in ("text", "python", "json", "bash", "diff"):
        shown = show(text, PROSE, language)
        parsed = Elements(shown.html)
        assert {tag for tag, _ in parsed.found} <= {"span"}
        assert parsed.text.rstrip("\n") == visible(text).rstrip("\n")


def long_run(journal: Path, steps: int) -> Path:
    """The journal of a run like `journal`, its first step made `steps` times."""
    events = list(read_journal(journal))
    first = next(n for n, event in enumerate(events) if isinstance(event, CallEnded)) + 1
    playback = next(play(journal))[0]
    target = journal.with_name("long.jsonl")
    with Journal(target) as written:
        written.write(events[0])
        for number in range(steps):
            for event in events[1:first]:
                assert isinstance(event, StepStarted | StepEnded | CallStarted | CallEnded)
                changed = replace(event, step=number)
                if isinstance(changed, StepStarted):
                    changed = replace(changed, prompt_tokens=len(playback.transcript.prompt()))
                playback.apply(changed)
                written.write(changed)
        written.write(events[-1])
    return target
