"""What a prompt is made of, and the options of rendering where the evidence is divided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ossia.types import Channel, Effort, JsonSchema, ToolNamespace

IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."

HeaderOrder = Literal["channel_first", "recipient_first"]
ToolPlacement = Literal["declared", "system", "developer"]
AnalysisPolicy = Literal["turn", "all"] | int


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How messages are rendered where sources disagree; docs/harmony.md gives the reason of each default."""

    header: HeaderOrder = "channel_first"
    """Rendered calls: `<|channel|>commentary to=f` (what the model writes most) or ` to=f<|channel|>commentary`."""
    tools: ToolPlacement = "declared"
    """Where tools are declared: where each says itself, or all in the system or all in the developer message."""
    analysis: AnalysisPolicy = "turn"
    """Which analysis is kept: "turn", within a turn and dropped once its final stands; "all"; or a number k: dropped
    when its turn is more than k finished turns old (0 is "turn")."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """A format that the final answer is asked to have."""

    schema: JsonSchema
    description: str = ""


@dataclass(frozen=True, slots=True)
class PromptConfig:
    """The system and developer messages of a prompt. The same config renders to the same token ids at any time."""

    instructions: str | None = None
    """The developer message's `# Instructions` (what other APIs call the system prompt)."""
    effort: Effort = "medium"
    tools: tuple[ToolNamespace, ...] = ()
    identity: str = IDENTITY
    knowledge_cutoff: str | None = "2024-06"
    """None: the line is left out."""
    date: str | None = None
    """`Current date: ...` (YYYY-MM-DD). Left out unless given: a prompt never changes with the clock."""
    channels: tuple[Channel, ...] = ("analysis", "commentary", "final")
    """The valid channels that are named; gpt-oss was trained on these three."""
    response_formats: Mapping[str, ResponseFormat] = field(default_factory=dict)
    """`# Response Formats` of the developer message, by name."""
    options: RenderOptions = RenderOptions()

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every recipient that the declared tools answer to."""
        return tuple(r for tool in self.tools for r in tool.recipients)
