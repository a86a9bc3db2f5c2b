"""Ossia as it is installed from a wheel: the supervisor's sources and the images' recipes are in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ossia.sandbox import images

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("kernel_environment")]

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, json, ossia
from ossia.sandbox import Bubblewrap, SandboxNeeds, images
async def main():
    sandbox = await Bubblewrap().open(SandboxNeeds(kernel=True, shell=True, trusted=True))
    cell = await sandbox.execute("6 * 7")
    command = await sandbox.exec(["echo", "hello"])
    await sandbox.close()
    print(json.dumps([ossia.__file__, cell.outputs[0].data["text/plain"], command.stdout, images.tag("coding")]))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel brings."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    built, target = folder / "dist", folder / "site"
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built], cwd=ROOT, check=True)
    (wheel,) = built.glob("*.whl")
    options: list[str | Path] = ["--quiet", "--no-deps", "--no-index", "--target", target]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], cwd=folder, check=True)
    return target


def test_a_sandbox_starts_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    where, cell, command, tag = json.loads(done.stdout)
    assert Path(where).is_relative_to(installed)
    assert (cell, command) == ("42", "hello\n")
    assert tag == images.tag("coding")
