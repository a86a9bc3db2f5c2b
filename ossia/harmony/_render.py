"""Messages as token ids. Text from users, tools and pages never becomes a control token."""

from ossia.errors import UserError
from ossia.harmony._config import PromptConfig, RenderOptions
from ossia.harmony._encoding import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, START, encoding
from ossia.harmony._messages import Message
from ossia.harmony._prompt import check_schema, check_tools, developer_text, system_text
from ossia.types import Channel

_MARKER = "<|constrain|>"
DEFAULTS = RenderOptions()


def render_prompt(config: PromptConfig) -> list[int]:
    """Token ids of the system message and, when it has anything in it, the developer message.

    Raises `UserError` on a tool name or schema that can't be declared.
    """
    check_config(config)
    ids = _message("system", system_text(config))
    developer = developer_text(config)
    return ids if developer is None else ids + _message("developer", developer)


def render_user(text: str) -> list[int]:
    """Token ids of a user message."""
    return _message("user", text)


def render_tool(
    recipient: str, text: str, channel: Channel = "commentary", options: RenderOptions = DEFAULTS
) -> list[int]:
    """Token ids of a tool's result: `recipient` as the call named it, on the channel of the call."""
    return render_message(Message("tool", text, channel, name=recipient), options)


def render_message(message: Message, options: RenderOptions = DEFAULTS) -> list[int]:
    """Token ids of one message, ended by `<|call|>` where an assistant message has a recipient, else by `<|end|>`.

    Raises `UserError` on a tool message without a name.
    """
    if message.role == "tool":
        if message.name is None:
            raise UserError("a tool message has no name; set `name` to the recipient that was called")
        return _message(f"{message.name} to=assistant", message.text, message.channel or "commentary")
    if message.role != "assistant":
        return _message(message.role, message.text)
    if message.recipient is None:
        channel = message.channel or "final"
        return _message("assistant", message.text, channel, content_type=message.content_type)
    return _call(message, message.recipient, options)


def _call(message: Message, recipient: str, options: RenderOptions) -> list[int]:
    channel = message.channel or "commentary"
    kind = message.content_type or (f"{_MARKER}json" if recipient.startswith("functions.") else "code")
    if options.header == "recipient_first":
        return _message(f"assistant to={recipient}", message.text, channel, content_type=kind, end=CALL)
    return _message("assistant", message.text, f"{channel} to={recipient}", content_type=kind, end=CALL)


def _message(
    author: str, text: str, channel: str | None = None, *, content_type: str | None = None, end: int = END
) -> list[int]:
    encode = encoding().encode
    ids = [START, *encode(author)]
    if channel is not None:
        ids += [CHANNEL, *encode(channel)]
    if content_type is not None:
        if content_type.startswith(_MARKER):
            ids += [*encode(" "), CONSTRAIN, *encode(content_type.removeprefix(_MARKER))]
        else:
            ids += encode(f" {content_type}")
    return [*ids, MESSAGE, *encode(text), end]


def check_config(config: PromptConfig) -> None:
    """Raise `UserError` where a config says what harmony has no words for."""
    check_tools(config.tools)
    for name, fmt in config.response_formats.items():
        check_schema(fmt.schema, f"the contents of the response format {name!r}")
    for channel in config.channels:
        _one_of("a name among channels", channel, ("analysis", "commentary", "final"))
    _one_of("effort", config.effort, ("low", "medium", "high"))
    _one_of("options.header", config.options.header, ("channel_first", "recipient_first"))
    _one_of("options.tools", config.options.tools, ("declared", "system", "developer"))
    analysis = config.options.analysis
    if not (isinstance(analysis, int) and not isinstance(analysis, bool) and analysis >= 0):
        _one_of("options.analysis", analysis, ("turn", "all"), " or a number of turns, 0 or more")


def _one_of(what: str, value: object, allowed: tuple[str, ...], more: str = "") -> None:
    if value not in allowed:
        raise UserError(f"{what} is {value!r}; use {', '.join(map(repr, allowed))}{more}")
