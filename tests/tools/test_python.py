"""The python tool in a real kernel: what the model sees."""

import math
from collections.abc import AsyncIterator

import pytest
from openai_harmony import ToolNamespaceConfig

from ossia.errors import UserError
from ossia.testing import OpenedTool, opened
from ossia.tools import Python
from ossia.tools.python import shorten, source


@pytest.fixture
async def python() -> AsyncIterator[OpenedTool]:
    async with opened(Python(timeout=20)) as tool:
        yield tool


def test_it_is_declared_as_the_model_was_trained_to_see_it() -> None:
    assert Python().namespace.description == ToolNamespaceConfig.python().description
    assert Python().namespace.recipients == ("python",)


async def test_a_notebook_shows_prints_and_the_last_expression(python: OpenedTool) -> None:
    assert await python.call("python", "print(48213 * 777)") == "37461501\n"
    assert await python.call("python", "x = 41\nprint('a')\nx + 1") == "a\n42"
    assert await python.call("python", "x") == "41"


async def test_a_cell_without_output_says_so(python: OpenedTool) -> None:
    assert (await python.call("python", "y = 1")).startswith("[WARN] No output available. Use print()")


async def test_a_traceback_is_short_and_without_colours(python: OpenedTool) -> None:
    result = await python.result("python", "print('before')\n1 / 0")
    assert result.error
    assert result.text.startswith("before\n")
    assert result.text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in result.text
    assert len(result.text) < 600


async def test_a_time_out_keeps_the_variables() -> None:
    async with opened(Python(timeout=1)) as python:
        await python.call("python", "kept = 7")
        text = await python.call("python", "import time; print('begun', flush=True); time.sleep(60)")
        assert text.startswith("begun\n")
        assert text.endswith("[The cell was interrupted after 1 s. Variables are kept.]\n")
        assert await python.call("python", "kept") == "7"


async def test_a_dead_kernel_says_that_the_state_is_lost_and_files_are_kept(python: OpenedTool) -> None:
    await python.call("python", "lost = 1; open('kept.txt', 'w').write('kept')")
    text = await python.call("python", "import os; os._exit(3)")
    assert "all variables are lost, files in /mnt/data are kept" in text
    assert await python.call("python", "print('lost' in dir(), open('/mnt/data/kept.txt').read())") == "False kept\n"


async def test_images_are_kept_and_named(python: OpenedTool) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
    result = await python.result("python", code)
    assert [image.mime for image in result.images] == ["image/png"]
    assert result.images[0].data.startswith(b"\x89PNG")
    assert "[image 1: image/png, " in result.text


async def test_long_output_is_cut_in_the_middle() -> None:
    async with opened(Python(max_chars=400)) as python:
        text = await python.call("python", "for i in range(10000): print(i)")
    assert text.startswith("0\n1\n2\n")
    assert text.endswith("9998\n9999\n")
    assert "characters left out" in text
    assert len(text) < 500


async def test_there_is_no_network(python: OpenedTool) -> None:
    text = await python.call("python", "import urllib.request; urllib.request.urlopen('http://192.0.2.1', timeout=2)")
    assert "URLError" in text


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("print(1)", "print(1)"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("```\nprint(1)\nprint(2)\n```\n", "print(1)\nprint(2)"),
        ('{"code": "print(1)"}', "print(1)"),
        ('{"code": "print(1)", "x": 1}', '{"code": "print(1)", "x": 1}'),
        ("{1: 2}[1]", "{1: 2}[1]"),
        ("", ""),
    ],
)
def test_code_is_taken_out_of_what_models_wrap_it_in(written: str, code: str) -> None:
    assert source(written) == code


def test_shorten_keeps_head_and_tail() -> None:
    assert shorten("x" * 10, 10) == "x" * 10
    text = shorten("a" * 500 + "b" * 500, 100)
    assert text.startswith("a" * 50)
    assert text.endswith("b" * 50)
    assert "[... 900 characters left out ...]" in text


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -math.inf}, {"max_chars": 10}])
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UserError):
        Python(**options)  # type: ignore[arg-type]
