"""A guarantee is given only for what was seen to hold, and what is missing refuses the run."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import docker as docker_py
import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Docker, Guarantees, SandboxLimits, SandboxNeeds
from ossia.sandbox import docker as docker_module
from ossia.sandbox._attest import Facts, judge, missing
from ossia.sandbox._seccomp import docker_profile
from ossia.sandbox.profiles import Profile

from .conftest import our_containers

LIMITS = SandboxLimits()
GOOD = Facts(
    uid=65534,
    cap_eff=0,
    cap_bnd=0,
    no_new_privs=True,
    seccomp=2,
    interfaces=("lo",),
    root_read_only=True,
    writable={"/mnt/data": LIMITS.work_bytes, "/tmp": 64 << 20},
    memory_limit=LIMITS.memory,
    process_limit=LIMITS.processes,
    vsock=False,
    io_uring=False,
    docker_socket=False,
)
UNTRUSTED = SandboxNeeds(kernel=True)


def test_all_that_holds_is_guaranteed() -> None:
    assert missing(judge(GOOD, LIMITS, beside=64 << 20), UNTRUSTED) == []


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"uid": 0}, "no_privileges"),
        ({"cap_eff": 1}, "no_privileges"),
        ({"cap_bnd": 1 << 21}, "no_privileges"),
        ({"no_new_privs": False}, "no_privileges"),
        ({"seccomp": 0}, "syscall_filter"),
        ({"vsock": True}, "syscall_filter"),
        ({"io_uring": True}, "syscall_filter"),
        ({"interfaces": ("lo", "eth0")}, "no_network"),
        ({"interfaces": ("unknown",)}, "no_network"),
        ({"root_read_only": False}, "isolated_files"),
        ({"docker_socket": True}, "isolated_files"),
        ({"root_read_only": False}, "disk"),
        ({"writable": {"/": 1 << 40}}, "disk"),
        ({"writable": {"/mnt": None}}, "disk"),
        ({"memory_limit": None}, "memory"),
        ({"memory_limit": LIMITS.memory + 1}, "memory"),
        ({"process_limit": None}, "processes"),
        ({"process_limit": 10_000}, "processes"),
    ],
)
def test_each_fact_counts(change: dict[str, Any], lost: str) -> None:
    judged = judge(dataclasses.replace(GOOD, **change), LIMITS, beside=64 << 20)
    assert not getattr(judged, lost)
    assert missing(judged, UNTRUSTED)
    assert not missing(judged, SandboxNeeds(trusted=True))


def test_nothing_is_guaranteed_by_default() -> None:
    assert len(missing(Guarantees(), UNTRUSTED)) == len(dataclasses.fields(Guarantees))


@pytest.mark.parametrize("value", [None, [], {}, {"uid": "root"}, 5, "x"])
def test_an_attestation_that_cannot_be_read_refuses(value: Any) -> None:
    with pytest.raises(SandboxUnavailable, match="attestation"):
        Facts.from_json(value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ReadonlyRootfs": False}, "files of its own"),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "a filter of system calls"),
        ({"SecurityOpt": [f"seccomp={docker_profile()}"]}, "no privileges"),
        ({"NetworkMode": "bridge"}, "no network"),
        ({"Memory": 0, "MemorySwap": 0}, "a memory limit"),
        ({"PidsLimit": 0}, "a limit of processes"),
        ({"CapDrop": []}, "no privileges"),
    ],
)
async def test_a_container_that_lacks_a_bound_is_refused_and_removed(
    change: Mapping[str, Any], named: str, docker_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = docker_module.host_config

    def weakened(client: docker_py.APIClient, chosen: Profile, runtime: str | None, seccomp: str) -> Mapping[str, Any]:
        return {**honest(client, chosen, runtime, seccomp), **change}

    monkeypatch.setattr(docker_module, "host_config", weakened)
    provider = Docker()
    with pytest.raises(SandboxUnavailable, match=named):
        await provider.open(SandboxNeeds())
    sandbox = await provider.open(SandboxNeeds(trusted=True))
    await sandbox.close()
    await provider.aclose()
    assert not our_containers()
