"""How the tool is declared to the model: to the letter what it was trained on."""

from ossia.types import FunctionSpec, JsonValue, ToolNamespace

_DESCRIPTION = """\
Tool for browsing.
The `cursor` appears in brackets before each browsing display: `[{{cursor}}]`.
Cite information from the tool using the following format:
`【{{cursor}}†L{{line_start}}(-L{{line_end}})?】`, for example: `【6†L9-L11】` or `【8†L3】`.
Do not quote more than 10 words directly from the tool output.
sources={sources}"""
# The reference tool's (openai/gpt-oss, simple_browser_tool.py): harmony's `ToolNamespaceConfig.browser()` but for its
# last line. A test holds the functions equal to harmony's.

_SEARCH = "Searches for information related to `query` and displays `topn` results."
_OPEN = """\
Opens the link `id` from the page indicated by `cursor` starting at line number `loc`, showing `num_lines` lines.
Valid link ids are displayed with the formatting: `【{id}†.*】`.
If `cursor` is not provided, the most recent page is implied.
If `id` is a string, it is treated as a fully qualified URL associated with `source`.
If `loc` is not provided, the viewport will be positioned at the beginning of the document or centered on the most \
relevant passage, if available.
Use this function without `id` to scroll to a new location of an opened page."""
_FIND = "Finds exact matches of `pattern` in the current page, or the page given by `cursor`."

_UNSET: dict[str, JsonValue] = {"type": "number", "default": -1}
_TEN: dict[str, JsonValue] = {"type": "number", "default": 10}
_STRING: dict[str, JsonValue] = {"type": "string"}


def declaration(sources: tuple[str, ...]) -> ToolNamespace:
    """The namespace `browser` with its three functions; `sources` names where it searches."""
    return ToolNamespace(
        "browser",
        _DESCRIPTION.format(sources=", ".join(sources)),
        (
            _function(
                "search", _SEARCH, ["query"], query=_STRING, topn={"type": "number", "default": 10}, source=_STRING
            ),
            _function(
                "open",
                _OPEN,
                [],
                id={"type": ["number", "string"], "default": -1},
                cursor=_UNSET,
                loc=_UNSET,
                num_lines=_UNSET,
                view_source={"type": "boolean", "default": False},
                source=_STRING,
            ),
            _function("find", _FIND, ["pattern"], pattern=_STRING, cursor=_UNSET),
        ),
    )


def _function(name: str, description: str, required: list[str], **properties: dict[str, JsonValue]) -> FunctionSpec:
    parameters: dict[str, JsonValue] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    return FunctionSpec(name, description, parameters)
