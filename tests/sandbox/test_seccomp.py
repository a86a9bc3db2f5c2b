"""The allow-list, and that its BPF form says the same as the list."""

import json
import struct

import pytest

from ossia.sandbox import _bpf, _seccomp
from ossia.sandbox._syscalls import numbers

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def run(program: bytes, number: int, architecture: int, argument: int = 0) -> int:
    """What a filter returns for a system call: the kernel's machine, as far as filters use it."""
    data = struct.pack("<IIQQ", number, architecture, 0, argument)
    code: list[tuple[int, int, int, int]] = list(struct.iter_unpack("<HBBI", program))
    accumulator, place = 0, 0
    while True:
        operation, if_true, if_false, value = code[place]
        place += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x06:
                return value
            case 0x15 | 0x25 | 0x35 | 0x45:
                holds = {
                    0x15: accumulator == value,
                    0x25: accumulator > value,
                    0x35: accumulator >= value,
                    0x45: bool(accumulator & value),
                }[operation]
                place += if_true if holds else if_false
            case _:
                raise AssertionError(hex(operation))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_the_list_and_nothing_else(machine: str) -> None:
    known, program = numbers(machine), _bpf.program(machine)
    allowed = {known[name] for name in _seccomp.ALLOWED if name in known}
    special = {known["clone"], known["clone3"], known["socket"]}
    for number in set(range(600)) - special:
        assert run(program, number, AUDIT[machine]) == (ALLOW if number in allowed else EPERM), number


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_arguments_decide_for_clone_and_socket(machine: str) -> None:
    known, program, here = numbers(machine), _bpf.program(machine), AUDIT[machine]
    assert run(program, known["clone"], here, 0x01200011) == ALLOW
    for flag in (0x10000000, 0x00020000, 0x40000000, 0x00000080):
        assert run(program, known["clone"], here, flag) == EPERM
    assert run(program, known["clone3"], here) == ENOSYS
    for family in range(64):
        assert run(program, known["socket"], here, family) == (ALLOW if family in (1, 2, 10, 16) else EPERM)


def test_other_architectures_and_x32_are_closed() -> None:
    program = _bpf.program("x86_64")
    assert run(program, 0, 0x40000003) == KILL
    assert run(program, 0x40000000, AUDIT["x86_64"]) == EPERM


def test_a_filter_fits_what_the_kernel_takes() -> None:
    assert len(_bpf.program("x86_64")) // 8 < 4096
    with pytest.raises(KeyError):
        _bpf.program("riscv64")


def test_dangerous_calls_are_not_on_the_list() -> None:
    dangerous = {"io_uring_setup", "bpf", "ptrace", "mount", "unshare", "setns", "keyctl", "userfaultfd", "kexec_load"}
    dangerous |= {"process_vm_readv", "perf_event_open", "pidfd_getfd", "open_by_handle_at", "init_module", "chroot"}
    assert not dangerous & set(_seccomp.ALLOWED)


def test_the_profile_for_containers_is_json_that_denies_by_default() -> None:
    profile = json.loads(_seccomp.docker_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {rule["action"] for rule in profile["syscalls"]} == {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"}
