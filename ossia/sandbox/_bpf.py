"""The allow-list as a classic BPF program, for launchers that take one (bubblewrap's `--seccomp`)."""

import struct
from collections.abc import Sequence

from ossia.sandbox import _seccomp
from ossia.sandbox._syscalls import numbers

_LOAD, _JUMP_EQUAL, _JUMP_MORE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENT_0 = 0, 4, 16
"""Offsets in `struct seccomp_data`; the low half of an argument on little-endian machines."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM = 1
_X32 = 0x40000000
"""Set in the numbers of the x32 interface, which would otherwise slip past a list of numbers."""
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

Instruction = tuple[int, int, int, int]


def program(machine: str) -> bytes:
    """The filter as an array of `struct sock_filter`. Raises `KeyError` for an architecture without a table."""
    known = numbers(machine)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_MORE, 0, 1, _X32 - 1),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
    ]
    code += _clone_rule(known["clone"])
    code += [(_JUMP_EQUAL, 0, 1, known["clone3"]), (_RETURN, 0, 0, _ERRNO | _seccomp.ENOSYS)]
    code += _socket_rule(known["socket"])
    code += _allow_rules(sorted(known[name] for name in _seccomp.ALLOWED if name in known))
    code.append((_RETURN, 0, 0, _ERRNO | _EPERM))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _clone_rule(number: int) -> list[Instruction]:
    return [
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_JUMP_SET, 1, 0, _seccomp.NAMESPACE_FLAGS),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
    ]


def _socket_rule(number: int) -> list[Instruction]:
    families = _seccomp.SOCKET_FAMILIES
    rules: list[Instruction] = [(_JUMP_EQUAL, 0, len(families) + 3, number), (_LOAD, 0, 0, _ARGUMENT_0)]
    rules += [(_JUMP_EQUAL, len(families) - place, 0, family) for place, family in enumerate(families)]
    return [*rules, (_RETURN, 0, 0, _ERRNO | _EPERM), (_RETURN, 0, 0, _ALLOW)]


def _allow_rules(allowed: Sequence[int]) -> list[Instruction]:
    """One range test for each run of neighbouring numbers."""
    rules: list[Instruction] = []
    for first, last in _runs(allowed):
        # number >= first and number <= last, else the next run.
        rules += [(0x35, 0, 2, first), (_JUMP_MORE, 1, 0, last), (_RETURN, 0, 0, _ALLOW)]
    return rules


def _runs(values: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] == value - 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs
