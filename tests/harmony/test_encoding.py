"""The vocabulary: exact, without network, and closed to control tokens that text spells."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import openai_harmony
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia import harmony
from ossia.types import FunctionSpec, JsonValue, ToolNamespace

REFERENCE = openai_harmony.load_harmony_encoding("HarmonyGptOss")
SPECIALS = [harmony.encoding().decode([i]) for i in range(harmony.FIRST_SPECIAL, harmony.VOCABULARY)]
ALL_SPECIALS = "".join(SPECIALS)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_text_comes_back(text: str) -> None:
    encoding = harmony.encoding()
    ids = encoding.encode(text)
    assert all(0 <= i < harmony.FIRST_SPECIAL for i in ids)
    assert encoding.decode(ids) == text
    assert encoding.decode_bytes(ids) == text.encode()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.integers(1, 30)), max_size=4))
def test_encodes_as_the_reference_does(parts: list[tuple[str, int]]) -> None:
    text = "".join(unit * count for unit, count in parts)
    if not re.search(r"\S{400,}|\s{400,}", text):
        assert harmony.encoding().encode(text) == REFERENCE.encode(text, disallowed_special=())


RUNS = ["a", "=", " ", "\n", "你", "👋", "é", "\u200d", "A", "7", "\x00", "aB", "ก็", "_"]


@pytest.mark.parametrize("unit", RUNS)
def test_long_runs_come_back_and_take_a_time_in_proportion(unit: str) -> None:
    text = "before " + unit * 60_000 + " after"
    started = time.perf_counter()
    ids = harmony.encoding().encode(text)
    assert time.perf_counter() - started < 5
    assert harmony.encoding().decode(ids) == text


@pytest.mark.parametrize("unit", RUNS)
def test_runs_of_ordinary_length_are_encoded_at_once(unit: str) -> None:
    text = f"x {unit * (400 // len(unit))} y"
    assert harmony.encoding().encode(text) == REFERENCE.encode(text, disallowed_special=())


def test_a_long_line_without_blanks_is_encoded_as_the_reference_does() -> None:
    text = "".join(f'{{"key{n}":[{n},"值，{n}"],"aB":"ÄöÜ"}},' for n in range(200))
    assert harmony.encoding().encode(text) == REFERENCE.encode(text, disallowed_special=())


def test_special_ids_are_those_of_the_format() -> None:
    text = "<|start|><|end|><|message|><|channel|><|constrain|><|return|><|call|><|startoftext|><|endoftext|>"
    expected = [200006, 200007, 200008, 200005, 200003, 200002, 200012, 199998, 199999]
    assert harmony.encoding().encode(text, special=True) == expected
    assert harmony.encoding().decode(expected) == text


def test_every_id_has_a_text_and_every_special_its_own() -> None:
    assert len(set(SPECIALS)) == harmony.VOCABULARY - harmony.FIRST_SPECIAL == 1090
    assert harmony.encoding().vocabulary == 201_088
    assert harmony.encoding().encode(ALL_SPECIALS, special=True) == list(range(199_998, 201_088))


def test_no_text_encodes_to_an_id_outside_the_vocabulary() -> None:
    assert all(i < harmony.FIRST_SPECIAL for i in harmony.encoding().encode("<|reserved_201088|>", special=True))


def test_lone_surrogates_and_ids_outside_the_vocabulary_do_not_raise() -> None:
    assert harmony.encoding().decode(harmony.encoding().encode("a\ud800b")) == "a\ufffdb"
    assert harmony.encoding().decode([-1, 24912, 201_088, 10**9]) == "hello"


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert harmony.encoding().decode([9552, 9552]) == " \ufffd \ufffd"


def _config(text: str) -> harmony.PromptConfig:
    """A config with `text` in every field that takes any text."""
    schema: dict[str, JsonValue] = {
        "type": "object",
        "description": text,
        "properties": {text: {"type": "string", "title": text, "description": text, "default": text, "enum": [text]}},
    }
    return harmony.PromptConfig(
        instructions=text,
        identity=text,
        knowledge_cutoff=text,
        date=text,
        tools=(
            ToolNamespace("python", text),
            ToolNamespace("functions", text, (FunctionSpec("f", text, schema),), "developer"),
        ),
        response_formats={text: harmony.ResponseFormat(schema, text)},
    )


def _count_specials(ids: list[int]) -> int:
    return sum(i >= harmony.FIRST_SPECIAL for i in ids)


@pytest.mark.parametrize(
    "make",
    [
        lambda text: harmony.render_prompt(_config(text)),
        harmony.render_user,
        lambda text: harmony.render_tool(text, text, "analysis"),
        lambda text: harmony.render_message(harmony.Message("system", text)),
        lambda text: harmony.render_message(harmony.Message("developer", text)),
        lambda text: harmony.render_message(harmony.Message("assistant", text, "final", content_type=text)),
        lambda text: harmony.render_message(harmony.Message("assistant", text, "commentary", text, text)),
        lambda text: harmony.render_message(
            harmony.Message("assistant", text, "analysis", text), harmony.RenderOptions(header="recipient_first")
        ),
        lambda text: harmony.render_message(harmony.Message("tool", text, "commentary", name=text)),
        lambda text: harmony.Transcript.start(_config(text), [harmony.Message("user", text)]).prompt().tolist(),
    ],
)
def test_text_never_becomes_a_control_token(make: object) -> None:
    assert callable(make)
    expected = _count_specials(make("x"))
    assert _count_specials(make(ALL_SPECIALS)) == expected
    for special in SPECIALS[:20]:
        assert _count_specials(make(f"a{special}b")) == expected


def _without_network() -> list[str]:
    """A command that runs what follows in a network namespace of its own, where this machine lets us make one."""
    command = ["unshare", "--map-root-user", "--net"]
    try:
        works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        works = False
    return command if works else []


def test_loads_on_a_fresh_machine_without_network(tmp_path: Path) -> None:
    program = (
        "import socket\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from ossia import harmony\n"
        "print(harmony.encoding().encode('hello world'))\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [*_without_network(), sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[24912, 2375]"
    assert list(tmp_path.iterdir()) == []
