"""Control groups of version 1, of version 2 and of both: what is read of them, inside a sandbox and from outside.

The lines of version 1 and of both together were recorded from Docker 20.10, cut to what is read; those of version 2
follow the kernel's documentation and what systemd and Docker make of it.
"""

from pathlib import Path

import pytest

from ossia.sandbox import SandboxLimits, _cgroups
from ossia.sandbox._attest import _limit
from ossia.sandbox._supervisor import facts

MIB = 1 << 20
ID = "991a85d16f47cd9ed88fa870abbc79bc2ca3dae5d00d6f084a24e1a1242ac330"
NO_LIMIT_V1 = "9223372036854771712"

V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
"""
HYBRID_MOUNTS = V1_MOUNTS + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
V2_MOUNTS = """\
23 29 0:21 / /sys rw,nosuid - sysfs sysfs rw
30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
"""
INSIDE_V1 = f"""\
79 78 0:46 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755
83 79 0:32 /docker/{ID} /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,memory
87 79 0:36 /docker/{ID} /sys/fs/cgroup/pids ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,pids
"""
INSIDE_V2 = "668 667 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate\n"


def machine(root: Path, mounts: str, processes: dict[str, str], files: dict[str, str]) -> str:
    """A tree of /proc and /sys: the mounts, the control groups of processes, and control-group files."""
    for process, groups in processes.items():
        folder = root / "proc" / process
        folder.mkdir(parents=True)
        (folder / "cgroup").write_text(groups)
    (root / "proc/self").mkdir(exist_ok=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def limits_inside(root: str) -> tuple[int | None, int | None]:
    groups = facts.control_groups(root=root)
    return _limit(facts.memory_limit(groups)), _limit(facts.process_limit(groups))


V1_FILES = {
    "memory/memory.limit_in_bytes": f"{512 * MIB}\n",
    "memory/memory.usage_in_bytes": "40370176\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "pids/pids.max": "64\n",
    "pids/pids.current": "5\n",
}
V2_FILES = {
    "memory.max": f"{512 * MIB}\n",
    "memory.current": "40370176\n",
    "memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 3\noom_group_kill 0\n",
    "pids.max": "64\n",
    "pids.current": "5\n",
}


@pytest.mark.parametrize(
    ("mounts", "groups", "files"),
    [
        (INSIDE_V1, f"8:pids:/docker/{ID}\n4:memory:/docker/{ID}\n0::/docker/{ID}\n", V1_FILES),
        # By a control-group namespace of its own (bubblewrap, Podman).
        (INSIDE_V1.replace(f"/docker/{ID}", "/"), "8:pids:/\n4:memory:/\n0::/\n", V1_FILES),
        (INSIDE_V2, "0::/\n", V2_FILES),
        # `--cgroupns=host`: the whole hierarchy is there, the container's group somewhere in it.
        (
            V2_MOUNTS,
            f"0::/system.slice/docker-{ID}.scope\n",
            {
                **{f"system.slice/docker-{ID}.scope/{name}": text for name, text in V2_FILES.items()},
                "system.slice/memory.max": "max\n",
            },
        ),
        # Both versions: the controllers are those of version 1.
        (
            INSIDE_V1 + f"89 79 0:38 /docker/{ID} /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw\n",
            f"8:pids:/docker/{ID}\n4:memory:/docker/{ID}\n0::/docker/{ID}\n",
            {**V1_FILES, "unified/cgroup.procs": ""},
        ),
        # Moved into a group of its own below the one that is mounted.
        (
            INSIDE_V2,
            "0::/init\n",
            {f"init/{name}": text for name, text in V2_FILES.items()},
        ),
    ],
    ids=["v1", "v1 namespace", "v2", "v2 host's namespace", "hybrid", "nested"],
)
def test_limits_use_and_kills_are_read_inside(mounts: str, groups: str, files: dict[str, str], tmp_path: Path) -> None:
    root = machine(tmp_path, mounts, {"self": groups}, files)
    assert limits_inside(root) == (512 * MIB, 64)
    found = facts.control_groups(root=root)
    assert facts.usage(found) == {"memory": 40370176, "processes": 5}
    assert facts.oom_kills(found) == 3


@pytest.mark.parametrize(
    ("mounts", "groups", "files"),
    [
        (INSIDE_V2, "0::/\n", {"memory.max": "max\n", "pids.max": "max\n"}),
        (INSIDE_V2, "0::/../../system.slice/other\n", {}),
        (
            INSIDE_V1,
            f"8:pids:/docker/{ID}\n4:memory:/docker/{ID}\n",
            {"memory/memory.limit_in_bytes": NO_LIMIT_V1, "pids/pids.max": "max"},
        ),
        ("23 29 0:21 / /sys rw - sysfs sysfs rw\n", "4:memory:/\n0::/\n", {}),
        ("", "", {}),
    ],
    ids=["v2 max", "elsewhere", "v1 max", "not mounted", "none"],
)
def test_what_is_not_limited_is_not_taken_for_limited(
    mounts: str, groups: str, files: dict[str, str], tmp_path: Path
) -> None:
    root = machine(tmp_path, mounts, {"self": groups}, files)
    assert limits_inside(root) == (None, None)
    assert facts.oom_kills(facts.control_groups(root=root)) is None
    assert facts.usage(facts.control_groups(root=root)) == {"memory": None, "processes": None}


SESSION = "/user.slice/user-1000.slice/user@1000.service/app.slice"


@pytest.mark.parametrize(
    ("mounts", "ours", "theirs", "files", "expected"),
    [
        # systemd-run --user --scope
        (
            V2_MOUNTS,
            f"0::{SESSION}/terminal.scope\n",
            f"0::{SESSION}/run-u7.scope\n",
            {f"{SESSION[1:]}/run-u7.scope/memory.max": "1000000", f"{SESSION[1:]}/run-u7.scope/pids.max": "64"},
            (1_000_000, 64),
        ),
        # A limit above, which is not ours, bounds it as well; the least counts.
        (
            V2_MOUNTS,
            "0::/us\n",
            "0::/them/inner\n",
            {"them/memory.max": "7000", "them/inner/memory.max": "max", "them/inner/pids.max": "9"},
            (7000, 9),
        ),
        (
            V2_MOUNTS,
            "0::/us\n",
            "0::/them/inner\n",
            {"them/memory.max": "7000", "them/inner/memory.max": "5000"},
            (5000, None),
        ),
        # A limit that we are under too is none of the sandbox's: with it we would be killed.
        (V2_MOUNTS, "0::/box\n", "0::/box\n", {"box/memory.max": "5000", "box/pids.max": "9"}, (None, None)),
        (V2_MOUNTS, "0::/box/us\n", "0::/box/them\n", {"box/memory.max": "5000"}, (None, None)),
        # Version 1, alone and with version 2 beside it.
        (
            V1_MOUNTS,
            "4:memory:/\n8:pids:/\n2:cpu,cpuacct:/\n",
            "4:memory:/ossia/a-1\n8:pids:/ossia/a-1\n2:cpu,cpuacct:/\n",
            {"memory/memory.limit_in_bytes": NO_LIMIT_V1, "memory/ossia/a-1/memory.limit_in_bytes": "5000",
             "pids/ossia/a-1/pids.max": "9"},
            (5000, 9),
        ),
        (
            HYBRID_MOUNTS,
            "4:memory:/\n8:pids:/\n0::/\n",
            "4:memory:/ossia/a-1\n8:pids:/ossia/a-1\n0::/\n",
            {"memory/ossia/a-1/memory.limit_in_bytes": "5000", "pids/ossia/a-1/pids.max": "9",
             "unified/cgroup.controllers": ""},
            (5000, 9),
        ),
    ],
    ids=["scope", "above", "both", "ours too", "ours above", "v1", "hybrid"],
)  # fmt: skip
def test_limits_are_read_from_outside(
    mounts: str,
    ours: str,
    theirs: str,
    files: dict[str, str],
    expected: tuple[int | None, int | None],
    tmp_path: Path,
) -> None:
    root = machine(tmp_path, mounts, {"self": ours, "77": theirs}, files)
    assert _cgroups.limits_of(77, root) == expected


def test_a_process_that_is_gone_has_no_limits(tmp_path: Path) -> None:
    assert _cgroups.limits_of(78, machine(tmp_path, V2_MOUNTS, {"self": "0::/\n"}, {})) == (None, None)


def test_a_group_of_version_2_is_made_with_every_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    monkeypatch.setattr(_cgroups, "_ROOT", tmp_path)
    group = _cgroups.create(SandboxLimits(memory=512 * MIB, processes=64, cpus=0.5))
    assert group is not None
    assert group.unified
    (folder,) = group.folders
    assert folder.parent == tmp_path / "ossia"
    written = {path.name: path.read_text() for path in folder.iterdir()}
    assert written == {"memory.max": str(512 * MIB), "pids.max": "64", "cpu.max": "50000 100000"}
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert group.binds() == [(str(folder), str(tmp_path))]


def test_where_no_group_may_be_made_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cgroups, "_ROOT", tmp_path)
    # Version 2 as it is in a container: the group cannot have children, its own processes are in it.
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").mkdir()
    assert _cgroups.create(SandboxLimits()) is None
    assert not list((tmp_path / "ossia").iterdir())
