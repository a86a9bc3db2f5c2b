"""How the supervisor gets in: by compiled code where the Pythons are of one kind, else by source."""

import pytest

from ossia.sandbox import Bubblewrap, _boot
from ossia.testing.sandbox_conformance._case import opened, value

from .conftest import KERNEL


@pytest.mark.parametrize("magic", [None, b"\\0\\0\\0\\0"], ids=["same", "another"])
async def test_a_supervisor_starts_in_the_same_python_and_in_another(
    magic: bytes | None, monkeypatch: pytest.MonkeyPatch, kernel_environment: None
) -> None:
    if magic:
        monkeypatch.setattr(_boot, "MAGIC_NUMBER", magic)
    async with opened(Bubblewrap(), KERNEL) as sandbox:
        assert await value(sandbox, "1 + 1") == "2"


def test_all_that_is_sent_in_is_listed_in_the_order_of_its_imports() -> None:
    message = _boot.boot_message({})
    assert int.from_bytes(message[:4], "big") == len(message) - 4
    for name, source, _ in _boot._modules():
        earlier = _boot._MODULES[: _boot._MODULES.index(name)]
        imported = [line.split()[1].removeprefix(".") for line in source.splitlines() if line.startswith("from .")]
        assert set(filter(None, imported)) <= set(earlier), name


async def test_a_cell_may_use_what_kernels_start_without(kernel_environment: None) -> None:
    async with opened(Bubblewrap(), KERNEL) as sandbox:
        assert await value(sandbox, "import jupyter_client\njupyter_client.KernelManager.__name__") == "'KernelManager'"
        assert await value(sandbox, "import debugpy\ndebugpy.__name__") == "'debugpy'"
