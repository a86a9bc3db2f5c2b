"""An engine on vLLM in this process, which is started once more when it dies."""

import asyncio
import itertools
import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from vllm.exceptions import VLLMClientError
from vllm.inputs import tokens_input
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from ossia.engine.checks import check_request
from ossia.engine.protocol import Capabilities, Chunk, EngineInfo, Sampling
from ossia.engine.vllm._completion import Completion
from ossia.engine.vllm._start import Core, Plan
from ossia.errors import EngineError, GrammarError, UserError
from ossia.types import Grammar


class VllmEngine:
    """Runs completions on vLLM's `AsyncLLM`. Open it with `open_engine("vllm:openai/gpt-oss-20b")`.

    It serves the event loop that it was opened in.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._core: Core | None = None
        self._info = EngineInfo(spec=plan.spec, model=plan.target, max_context=0)
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._running: set[str] = set()
        self._restart: asyncio.Task[Core] | None = None
        self._closed = False

    def adopt(self, core: Core) -> None:
        """Take what `Plan.start` has started."""
        self._core = core
        self._info = EngineInfo(
            spec=self._plan.spec,
            model=self._plan.target,
            max_context=self._plan.max_context,
            capabilities=Capabilities(
                seed=self._plan.seed, logprobs=True, grammar=self._plan.tokenizer, prefix_cache=True
            ),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """See `ossia.engine.Engine.generate`. Token ids come one by one, or several at once to a slow reader.

        When vLLM dies, it is started once more, and its completions go on from the token ids that were sampled.
        """
        completion = self._completion(prompt, sampling, grammar)
        rank = zlib.crc32(key.encode()) % self._plan.ranks if self._plan.ranks > 1 else None
        while not completion.over:
            core = self._usable()
            try:
                async with aclosing(self._once(core, completion, priority, rank)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except EngineDeadError as error:
                await self._revive(core, completion, error)
        if not completion.told_finish:
            yield completion.ending()

    async def aclose(self) -> None:
        """Stop vLLM and free its memory. Completions under way end with `EngineError`."""
        self._closed = True
        core, self._core = self._core, None
        if self._restart is not None and not self._restart.done():
            # It finds the engine closed, and stops what it has started.
            await asyncio.gather(self._restart, return_exceptions=True)
        elif core is not None:
            if self._running and not core.errored:
                await core.abort(list(self._running))
            await asyncio.to_thread(core.shutdown)

    def _completion(self, prompt: Sequence[int], sampling: Sampling, grammar: Grammar | None) -> Completion:
        if asyncio.get_running_loop() is not self._loop:
            raise UserError("an engine of vLLM serves the event loop that it was opened in: open another one here")
        if grammar is not None and not self._plan.tokenizer:
            raise UserError(
                f"{self._info.spec} has no tokenizer (tokenizer.json), without which vLLM can't hold a grammar: add "
                "the model's own, or set the option tokenizer"
            )
        if grammar is not None and grammar.structural_tag is None:
            raise UserError("the grammar has no structural tag, which is the form that vLLM takes: give one")
        limit = check_request(self._info, self._plan.vocabulary, prompt, sampling, grammar)
        return Completion(prompt, sampling, limit, grammar.structural_tag if grammar else None)

    def _usable(self) -> Core:
        if self._closed or self._core is None:
            raise EngineError(f"the engine {self._info.spec} was closed")
        return self._core

    async def _once(
        self, core: Core, completion: Completion, priority: int, rank: int | None
    ) -> AsyncGenerator[Chunk, None]:
        """Ask for what is missing, and give what comes. Raises `EngineDeadError`."""
        name = f"ossia-{next(self._numbers)}"
        self._running.add(name)
        try:
            asked = core.generate(
                tokens_input(prompt_token_ids=completion.ids()),
                completion.parameters(self._plan.vocabulary),
                name,
                priority=priority,
                data_parallel_rank=rank,
            )
            async with aclosing(asked) as outputs:
                async for output in outputs:
                    yield completion.take(output)
        except (VLLMClientError, EngineGenerateError) as error:
            raise self._fault(error, completion) from error
        finally:
            self._running.discard(name)

    def _fault(self, error: Exception, completion: Completion) -> UserError | EngineError:
        cause = error.__cause__ or error
        if not isinstance(cause, (VLLMClientError, ValueError)):
            return EngineError(f"{self._info.spec} failed on a request: {type(cause).__name__}: {cause}")
        kind = UserError if completion.structural_tag is None else GrammarError
        return kind(f"{self._info.spec} refuses the request: {cause}")

    async def _revive(self, dead: Core, completion: Completion, error: EngineDeadError) -> None:
        """Return when there is an engine again; raises `EngineError` when there will be none."""
        so_far = f"after {len(completion.sampled)} token ids"
        if self._closed:
            raise EngineError(f"the engine {self._info.spec} was closed {so_far}") from error
        if completion.structural_tag is not None and completion.sampled:
            raise EngineError(
                f"vLLM died {so_far} of a completion under a grammar, which can't be entered in its middle: run again"
            ) from error
        if self._restart is None:
            self._restart = asyncio.ensure_future(self._start_again(dead))
        elif self._restart.done() and self._restart.exception() is None and self._core is dead:
            raise EngineError(
                f"vLLM died a second time ({so_far}): open {self._info.spec} again, and look at what it was asked"
            ) from error
        # One restart serves all: a completion that is left must not end it.
        await asyncio.shield(self._restart)

    async def _start_again(self, dead: Core) -> Core:
        await asyncio.to_thread(dead.shutdown)
        core = await asyncio.to_thread(self._plan.start)
        if self._closed:
            await asyncio.to_thread(core.shutdown)
            raise EngineError(f"the engine {self._info.spec} was closed")
        self.adopt(core)
        return core
