"""The profile for coding work: compilers run, what they make is executed, nothing else is wider."""

from collections.abc import AsyncIterator

import pytest

from ossia.sandbox import Docker, Sandbox, SandboxNeeds, images
from ossia.testing.sandbox_conformance import Skipped
from ossia.testing.sandbox_conformance._isolation import CASES

NEEDS = SandboxNeeds(kernel=True, shell=True, profile="coding")


@pytest.fixture
async def sandbox(docker_image: str) -> AsyncIterator[Sandbox]:
    if not images.image_status("coding").present:
        images.build_image("coding")
    provider = Docker()
    opened = await provider.open(NEEDS)
    yield opened
    await opened.close()
    await provider.aclose()


@pytest.mark.slow
async def test_a_program_is_compiled_tested_and_committed(sandbox: Sandbox) -> None:
    await sandbox.put("main.c", b'#include <stdio.h>\nint main(void) { puts("built"); return 0; }\n')
    await sandbox.put(
        "test_it.py", b"import subprocess\ndef test(): assert subprocess.check_output(['./main']) == b'built\\n'\n"
    )
    script = "cc -o main main.c && python3 -m pytest -q && git init -q . && git add main.c && rg -c puts main.c"
    result = await sandbox.exec(["sh", "-c", script], merge_stderr=True)
    assert result.code == 0, result
    assert "1 passed" in result.stdout


@pytest.mark.slow
async def test_it_is_as_closed_as_the_other_profile(sandbox: Sandbox) -> None:
    for case in CASES:
        try:
            await case.run_on(sandbox)
        except Skipped as reason:
            raise AssertionError(f"{case}: {reason}") from None


async def test_the_python_profile_executes_nothing_that_the_code_writes(docker_image: str) -> None:
    provider = Docker()
    opened = await provider.open(SandboxNeeds(shell=True))
    await opened.put("run.sh", b"#!/bin/sh\necho ran\n")
    for folder in (".", "/tmp", "/dev/shm"):
        result = await opened.exec(
            ["sh", "-c", f"cp run.sh {folder}/x; chmod +x {folder}/x; {folder}/x"], merge_stderr=True
        )
        assert result.code == 126, result
    await opened.close()
    await provider.aclose()
