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
        code = "import dateutil.parser as p\np.isoparse('2026-02-03').day, p.parse('4 May 2026').month"
        assert await value(sandbox, code) == "(3, 5)"


async def test_a_date_that_the_kernel_parses_first_is_parsed(kernel_environment: None) -> None:
    async with opened(Bubblewrap(), KERNEL) as sandbox:
        asked = "from jupyter_client.jsonutil import parse_date\nparse_date('2026-02-03T04:05:06Z').day"
        assert await value(sandbox, f"{asked}, parse_date('2026-02-04T04:05:06Z').day") == "(3, 4)"
        assert await value(sandbox, "from dateutil.parser import parse\nparse('4 May 2026').month") == "5"
