"""What the user says: how many engines of which kind, and what each of them gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from ossia.engine.checks import refuse_unknown
from ossia.errors import UserError
from ossia.types import JsonValue

OPTIONS = ("address", "cpus", "gpus", "options")
_FORM = "write ray:N*SPEC, such as ray:4*vllm:openai/gpt-oss-20b"


@dataclass(frozen=True, slots=True)
class Plan:
    """N engines of one spec."""

    spec: str
    count: int
    inner: str
    """The spec of each engine."""
    options: Mapping[str, JsonValue]
    """The options of each engine."""
    address: str | None
    """Of a cluster; None: $RAY_ADDRESS, else one that is started on this machine and ends with the engine."""
    cpus: float
    """Cores that Ray sets aside for each."""
    gpus: float
    """GPUs that each gets and sees."""


def read_plan(spec: str, options: Mapping[str, JsonValue]) -> Plan:
    """Check a spec and the options of it. Raises `UserError` for what is wrong with them."""
    refuse_unknown("ray", options, OPTIONS)
    count, star, inner = spec.partition(":")[2].partition("*")
    if not star or not count.strip().isdecimal() or not inner.strip():
        raise UserError(f"{spec!r} does not say how many engines of which kind: {_FORM}")
    if int(count) < 1:
        raise UserError(f"{spec!r} asks for no engine: {_FORM}")
    if inner.strip().lower().startswith("ray:"):
        raise UserError(f"{spec!r} puts Ray into Ray: {_FORM}")
    given = options.get("options", {})
    if not isinstance(given, Mapping):
        raise UserError("the option options holds the options of each engine, by name")
    address = options.get("address")
    if address is not None and not isinstance(address, str):
        raise UserError(f"address is {address!r}: give the address of a Ray cluster, or none")
    cpus, gpus = _number(options, "cpus", 1.0), _number(options, "gpus", 0.0)
    return Plan(spec, int(count), inner.strip(), dict(given), address, cpus, gpus)


def _number(options: Mapping[str, JsonValue], name: str, default: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise UserError(f"{name} is {value!r}: give a number, 0 or more")
    return float(value)
