"""Starting vLLM: its configuration, its processes, and what is said when they do not come up."""

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.outputs import RequestOutput
from vllm.platforms import current_platform
from vllm.sampling_params import SamplingParams
from vllm.v1.engine.async_llm import AsyncLLM

from ossia.engine.vllm import _log
from ossia.engine.vllm._options import engine_arguments
from ossia.errors import EngineError, UserError
from ossia.types import JsonValue

_MEMORY = ("memory", "KV cache")
"""Words in every way in which vLLM says that a model does not fit."""


class Core(Protocol):
    """What is used of `AsyncLLM`."""

    errored: bool

    def generate(
        self,
        prompt: object,
        sampling_params: SamplingParams,
        request_id: str,
        *,
        priority: int,
        data_parallel_rank: int | None,
    ) -> AsyncGenerator[RequestOutput, None]: ...
    async def abort(self, request_id: list[str]) -> None: ...
    def shutdown(self) -> None: ...


@dataclasses.dataclass
class Plan:
    """A checked configuration, from which an engine can be started, and started again."""

    spec: str
    target: str
    arguments: Mapping[str, JsonValue]
    vocabulary: int
    """Token ids that the model has."""
    tokenizer: bool
    seed: bool
    """Whether a seed can be asked for."""
    ranks: int
    """Data-parallel ranks, each with a prefix cache of its own."""
    log_from: int
    """Where in vLLM's log the start begins."""
    max_context: int = 0
    """Known once it has started."""

    def start(self) -> Core:
        """Start vLLM's processes and load the model; blocks for as long as that takes. Raises `EngineError`."""
        self.log_from = _log.end()
        config = _configure(self.spec, self.target, self.arguments)
        try:
            core: Core = AsyncLLM.from_vllm_config(config, disable_log_stats=bool(self.arguments["disable_log_stats"]))
        except (RuntimeError, ValueError, OSError, AssertionError) as error:
            raise EngineError(_sentence(self.spec, _log.cause(self.log_from) or _line(error))) from error
        # Fitted to the memory by now.
        self.max_context = config.model_config.max_model_len
        return core


def make_plan(spec: str, target: str, options: Mapping[str, JsonValue]) -> Plan:
    """Raises `UserError` for what can be known to be wrong before anything is started."""
    known = [field.name for field in dataclasses.fields(AsyncEngineArgs)]
    cpu = current_platform.is_cpu()
    arguments = engine_arguments(target, options, known, cpu=cpu)
    path = Path(target).expanduser()
    if not path.exists() and (path.is_absolute() or target.startswith(("~", "."))):
        raise UserError(f"{spec}: there is no such directory")
    log_from = _log.end()
    config = _configure(spec, target, arguments)
    kind = config.model_config.hf_config.model_type
    if kind != "gpt_oss":
        raise UserError(f"{spec} is a model of type {kind!r}: ossia runs gpt-oss models ('gpt_oss')")
    return Plan(
        spec=spec,
        target=target,
        arguments=arguments,
        vocabulary=config.model_config.get_vocab_size(),
        tokenizer=not config.model_config.skip_tokenizer_init,
        # A seeded request whose prompt is computed in pieces ends the worker for CPUs.
        seed=not (cpu and config.scheduler_config.enable_chunked_prefill),
        ranks=config.parallel_config.data_parallel_size,
        log_from=log_from,
    )


def _configure(spec: str, target: str, arguments: Mapping[str, JsonValue]):  # type: ignore[no-untyped-def]  # vLLM's
    try:
        return AsyncEngineArgs(**arguments).create_engine_config()
    except OSError as error:
        raise UserError(f"{spec}: there is no model {target!r} here, nor on the hub: {_line(error)}") from error
    except (ValueError, TypeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"{spec}: vLLM refuses its arguments: {_line(error)}") from error
    except RuntimeError as error:
        raise EngineError(f"{spec}: vLLM can't run here: {_line(error)}") from error


def _sentence(spec: str, cause: str) -> str:
    if any(word in cause for word in _MEMORY):
        return (
            f"{spec} does not fit into the memory that is free ({cause}): free some, use a larger GPU or several "
            "(tensor_parallel_size), or lower max_model_len or gpu_memory_utilization"
        )
    return f"vLLM could not start {spec}: {cause}"


def _line(error: BaseException) -> str:
    """The line of a message that says what is wrong; pydantic's follows the name of the field."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    for field, line in pairwise(lines):
        if "[type=" in line:
            said = line.partition(" [type=")[0].removeprefix("Value error, ")
            return (said if "validation error" in field else f"{field}: {said}")[:300]
    return lines[0][:300]
