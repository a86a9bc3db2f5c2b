"""The order of the house: which package may import which, and what the root links are for."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("harmony", "engine", "sandbox", "tools", "agent", "evals", "server", "view", "cli", "testing")
LEAVES = {"ossia.types", "ossia.errors"}

ALLOWED = {
    "types": set(),
    "errors": set(),
    "harmony": set(),
    "engine": set(),
    "sandbox": set(),
    "tools": {"sandbox"},
    "agent": {"tools", "sandbox", "harmony", "engine"},
    "evals": {"agent", "tools", "sandbox", "harmony", "engine"},
    "server": {"agent", "tools", "sandbox", "harmony", "engine"},
    "view": {"agent", "tools", "sandbox", "harmony", "engine"},
    "cli": {"agent", "tools", "sandbox", "harmony", "engine", "evals", "server", "view"},
    "testing": {"agent", "tools", "sandbox", "harmony", "engine"},
}
"""What each package may import beside itself and the leaves. Nothing but tests and users import `testing`."""


INSIDE = ROOT / "ossia" / "sandbox" / "_supervisor"
"""A program of its own, which runs inside sandboxes, where there is no ossia to import from."""


def modules() -> Iterator[Path]:
    return (path for path in (ROOT / "ossia").rglob("*.py") if INSIDE not in path.parents)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                assert "ossia" not in path.relative_to(ROOT).parts, f"{path}: relative import"
                continue
            module = node.module or ""
            yield module
            if module == "ossia":
                yield from (f"ossia.{alias.name}" for alias in node.names)


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "ossia").with_suffix("").parts
    return parts[0]


def test_imports_point_one_way() -> None:
    wrong = []
    for path in modules():
        package = package_of(path)
        if package == "__init__":
            continue
        for name in imports(path):
            if not name.startswith("ossia.") or name in LEAVES:
                continue
            target = name.split(".")[1]
            if target != package and target not in ALLOWED[package]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_nothing_imports_through_the_root_links() -> None:
    links = {path.name for path in ROOT.iterdir() if path.is_symlink()}
    assert links == {"agent", "tools", "sandbox", "harmony", "evals"}
    for folder in ("ossia", "nano", "bench", "tests", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in imports(path) if INSIDE not in path.parents else ():
                assert name.split(".")[0] not in links, f"{path} imports {name} through a root link"


@pytest.mark.parametrize("link", ["agent", "tools", "sandbox", "harmony", "evals"])
def test_root_links_lead_to_the_subpackages(link: str) -> None:
    assert (ROOT / link).readlink() == Path("ossia") / link


def test_no_module_grows_past_comfort() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in modules() if (lines := path.read_text().count("\n")) > 500}
    assert not long


def test_package_inits_define_nothing() -> None:
    for path in (ROOT / "ossia").rglob("__init__.py"):
        for node in ast.parse(path.read_text()).body:
            defines = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            assert not defines, f"{path} defines {ast.unparse(node).splitlines()[0]}"


def test_importing_ossia_has_no_side_effects() -> None:
    code = "import sys, ossia; assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_supervisor_imports_nothing_of_ossia() -> None:
    for path in INSIDE.rglob("*.py"):
        names = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert not any("ossia" in ast.unparse(node) for node in names), path
