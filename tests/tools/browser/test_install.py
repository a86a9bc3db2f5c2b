"""The browser can be named without its libraries; they are missed where it is opened."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, sys
for name in {missing!r}:
    sys.modules[name] = None
from ossia.errors import UserError
from ossia.tools.browser import Browser
from ossia.tools.protocol import ToolContext

async def main():
    try:
        async with Browser(search="searxng:http://127.0.0.1:1").open(ToolContext("s", None)):
            print("opened")
    except UserError as error:
        print(error)

print(len(Browser().namespace.functions))
asyncio.run(main())
"""


@pytest.mark.parametrize("missing", ["aiohttp", "playwright"])
def test_a_missing_library_is_told_with_the_command_that_installs_it(missing: str) -> None:
    names = [missing, *(f"{missing}.{part}" for part in ("async_api",))]
    command = [sys.executable, "-c", SCRIPT.format(missing=names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    shown = done.stdout.splitlines()
    assert shown[0] == "3"
    assert shown[1].startswith(f"The browser needs {missing}")
    assert shown[1].endswith("pip install 'ossia[browser]'.")


def test_naming_it_loads_none_of_them() -> None:
    script = (
        "import sys, ossia.tools.browser as b; b.Browser().namespace;"
        "print([n for n in ('aiohttp', 'lxml', 'playwright', 'pypdfium2', 'ddgs') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
