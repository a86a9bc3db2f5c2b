"""What a task file may say: the same classes as the Python API, section by section."""

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator

from ossia.agent._context import Overflow
from ossia.agent._grammar import GrammarUse
from ossia.agent.agent import SamplingFields
from ossia.agent.limits import Limits
from ossia.tools.approval import Rule
from ossia.types import Effort

SHORT_FORMS = {"engine": "spec", "sandbox": "provider", "input": "text"}
"""Sections that may be a string, which stands for a mapping with this one key: `engine: nano`."""


def long_form(section: str, value: object) -> object:
    """A section as a mapping, where it may be given as a string."""
    return {SHORT_FORMS[section]: value} if section in SHORT_FORMS and isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SamplingSection(_Section):
    """Fields of `Sampling` that differ from the engine's own."""

    temperature: float | None = Field(default=None, ge=0)
    """0 is greedy."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    """0: all of the vocabulary."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Most token ids of one completion."""
    seed: int | None = None

    def fields(self) -> SamplingFields:
        """Those that were given."""
        given: SamplingFields = {}
        given.update(self.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]  # the names are the same
        return given


class EngineSection(_Section):
    """What runs the model."""

    spec: str | None = None
    """`nano`, `vllm:openai/gpt-oss-20b`, `http://host:8000/v1`, ...; left out: $OSSIA_ENGINE, else nano."""
    options: dict[str, JsonValue] = {}
    """Options of that kind of engine, such as vLLM's engine arguments."""
    sampling: SamplingSection = SamplingSection()


class AgentSection(_Section):
    """What the agent is told."""

    instructions: str | None = None
    """The developer message; a template over the inputs."""
    effort: Effort = "medium"
    overflow: Overflow = "fail"
    """What to do when the context is nearly full."""
    grammar: GrammarUse = "after_malformed"
    """Which completions are held to the call grammar, where the engine can: none, all, those after a malformed one."""

    date: str | None = None
    """The date that the prompt names; left out: it names none, and does not change with the clock."""

    @field_validator("date", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        """YAML reads 2026-01-31 as a date."""
        return value.isoformat() if isinstance(value, datetime.date) else value

    @field_validator("grammar", mode="before")
    @classmethod
    def _grammar(cls, value: object) -> object:
        """YAML reads `on` and `off` as true and false."""
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


class SandboxSection(_Section):
    """Where untrusted code runs."""

    provider: Literal["docker", "bubblewrap", "unsafe-local"] | None = None
    """Left out: the first that covers what the tools need."""


class Variable(_Section):
    """One declared input."""

    default: JsonValue = None
    required: bool = False
    """A task whose required input was not given is refused."""
    description: str = ""


class InputSection(_Section):
    """What the agent is asked."""

    text: str
    """The user's message; a template over the inputs."""
    files: tuple[str, ...] = ()
    """Files for /mnt/data; paths relative to the task file, templates over the inputs."""
    variables: dict[str, Variable] = Field(default_factory=dict)
    """The declared inputs, by name."""

    @field_validator("variables", mode="before")
    @classmethod
    def _short_variables(cls, value: object) -> object:
        """`name: value` stands for `name: {default: value}`."""
        if not isinstance(value, dict):
            return value
        return {name: item if isinstance(item, dict) else {"default": item} for name, item in value.items()}


class OutputSection(_Section):
    """What becomes of the answer."""

    format: dict[str, JsonValue] | str | None = None
    """The form that the final answer must have: a JSON Schema, or `module:name` of a type."""
    files: str | None = None
    """Directory for the files that the run leaves in /mnt/data, relative to the task file."""


class ExpectSection(_Section):
    """What the final answer must hold, so that a task can serve as a test; templates over the inputs."""

    contains: tuple[str, ...] = ()
    matches: str | None = None
    """A regular expression that must be found in it."""

    @field_validator("contains", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (str(value),) if isinstance(value, str | int | float) else value


class TaskConfig(_Section):
    """A task file."""

    extends: str | None = None
    """Another task file, relative to this one, whose sections this one changes."""
    engine: EngineSection = EngineSection()
    agent: AgentSection = AgentSection()
    tools: tuple[str | dict[str, dict[str, JsonValue] | None], ...] = ("python",)
    """`python`, `python: {timeout: 60}`, or `module:name` for a Python function or tool (such a file is code)."""
    approval: dict[str, Rule] = Field(default_factory=dict)
    """Globs over recipients: allow, ask or deny their calls; of those that match, the last one counts."""
    sandbox: SandboxSection = SandboxSection()
    limits: Limits = Limits()
    input: InputSection
    output: OutputSection = OutputSection()
    expect: ExpectSection = ExpectSection()

    @field_validator(*SHORT_FORMS, mode="before")
    @classmethod
    def _long_form(cls, value: object, info: ValidationInfo) -> object:
        return long_form(info.field_name or "", value)
