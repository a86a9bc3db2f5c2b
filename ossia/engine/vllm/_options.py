"""The engine arguments that vLLM is started with: its own, those that agents need, and the caller's."""

from collections.abc import Collection, Mapping
from pathlib import Path

from ossia.engine.checks import refuse_unknown
from ossia.errors import UserError
from ossia.types import JsonValue

_FOR_AGENTS: Mapping[str, JsonValue] = {
    # What fits into memory, up to the model's own.
    "max_model_len": -1,
    # Later steps of a run may go before the first ones of others.
    "scheduling_policy": "priority",
    # vLLM's default keeps the blocks of prompts only: each step would compute again what the last one sampled.
    "prefix_cache_retention_interval": None,
    "disable_log_stats": True,
}
_TAKEN = {"model": "the model stands in the spec"}


def engine_arguments(
    target: str, options: Mapping[str, JsonValue], known: Collection[str], *, cpu: bool
) -> dict[str, JsonValue]:
    """The arguments for the model `target`; `known` are the names of all that this vLLM has.

    Raises `UserError` for an unknown one, with the nearest name, and for one that the spec gives already.
    """
    refuse_unknown("vllm", options, known)
    for name, reason in _TAKEN.items():
        if name in options:
            raise UserError(f"the engine vllm takes no option {name!r}: {reason}")
    arguments = {name: value for name, value in _FOR_AGENTS.items() if name in known}
    if cpu:
        # Computing a prompt in pieces ends the worker for CPUs when the request has a seed.
        arguments["enable_chunked_prefill"] = False
    if "tokenizer" not in options and not has_tokenizer(target):
        arguments["skip_tokenizer_init"] = True
    return {**arguments, **options, "model": str(Path(target).expanduser()) if Path(target).is_dir() else target}


def has_tokenizer(target: str) -> bool:
    """Whether a directory holds a tokenizer; an id on the hub is taken to."""
    directory = Path(target).expanduser()
    return not directory.is_dir() or (directory / "tokenizer.json").exists()
