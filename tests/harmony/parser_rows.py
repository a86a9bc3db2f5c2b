"""Malformed completions that were seen or tried, each with what must come of it.

Every row is one completion, everything after `<|start|>assistant`. `M` is a message: channel, recipient, content type,
text. Numbered rows are variations around the well-formed header; the named ones were seen in the wild.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

C = "<|channel|>"
MSG = "<|message|>"
J = "<|constrain|>json"
THINK = f"{C}analysis{MSG}hm<|end|>"


class M(NamedTuple):
    channel: str | None
    recipient: str | None
    content_type: str | None
    text: str


@dataclass
class Row:
    name: str
    text: str
    messages: list[M]
    repairs: list[str] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    stop: str | None = "call"
    truncated: bool = False
    undeclared: bool = False


CALL = M("commentary", "functions.f", J, "{}")
HM = M("analysis", None, None, "hm")
HI = M("final", None, None, "Hi")

WELL_FORMED = [
    Row(
        "01",
        f'{C}commentary to=functions.get_weather {J}{MSG}{{"a":1}}<|call|>',
        [M("commentary", "functions.get_weather", J, '{"a":1}')],
    ),
    Row("03", f"{C}commentary to=functions.f json{MSG}{{}}<|call|>", [M("commentary", "functions.f", "json", "{}")]),
    Row("04", f"{C}commentary to=functions.f{J}{MSG}{{}}<|call|>", [CALL]),
    Row("38", f"{C}analysis to=python code{MSG}print(1)<|call|>", [M("analysis", "python", "code", "print(1)")]),
    Row("39", f"{C}commentary to=python code{MSG}print(1)<|call|>", [M("commentary", "python", "code", "print(1)")]),
    Row(
        "40",
        f'{C}commentary to=container.exec code{MSG}{{"cmd":["ls"]}}<|call|>',
        [M("commentary", "container.exec", "code", '{"cmd":["ls"]}')],
    ),
    Row("41", f"{C}commentary to=functions.f {J}{MSG}{{}}<|end|>", [CALL], stop=None, truncated=True),
    Row("59", f" to=functions.f{C}commentary code{MSG}{{}}<|call|>", [M("commentary", "functions.f", "code", "{}")]),
    Row("recipient in the role", f" to=functions.f{C}commentary {J}{MSG}{{}}<|call|>", [CALL]),
    Row(
        "call on the analysis channel",
        f"{C}analysis to=functions.f {J}{MSG}{{}}<|call|>",
        [M("analysis", "functions.f", J, "{}")],
    ),
    Row(
        "call on the final channel",
        f"{C}final to=functions.f {J}{MSG}{{}}<|call|>",
        [M("final", "functions.f", J, "{}")],
    ),
    Row(
        "preamble, then a call",
        f"{C}commentary{MSG}I will look.<|end|><|start|>assistant{C}commentary to=functions.f {J}{MSG}{{}}<|call|>",
        [M("commentary", None, None, "I will look."), CALL],
    ),
    Row(
        "final that is JSON",
        f'{C}final {J}{MSG}{{"r":true}}<|return|>',
        [M("final", None, J, '{"r":true}')],
        stop="return",
    ),
    Row(
        "47",
        f"{C}commentary to=functions.f {J}{MSG}{{}}<|call|><|start|>assistant{C}commentary to=functions.g {J}"
        f"{MSG}{{}}<|call|>",
        [CALL, M("commentary", "functions.g", J, "{}")],
        undeclared=True,
    ),
]

RECIPIENT = [
    Row("05", f'{C}commentary{J}{MSG}{{"a":1}}<|call|>', [M("commentary", None, J, '{"a":1}')]),
    Row("09", f" to=functions.f{C}commentary to=functions.f {J}{MSG}{{}}<|call|>", [CALL], ["recipient_repeated"]),
    Row(
        "25",
        f"{C}commentary to=functions.f code json{MSG}{{}}<|call|>",
        [M("commentary", "functions.f", "code", "{}")],
        ["extra_header_text"],
    ),
    Row(
        "26",
        f"{C}commentary functions.f{MSG}{{}}<|call|>",
        [M("commentary", "functions.f", None, "{}")],
        ["recipient_without_to"],
    ),
    Row(
        "27",
        f"{C}commentary to=functions.f(){MSG}{{}}<|call|>",
        [M("commentary", "functions.f", None, "{}")],
        ["recipient_garbled"],
    ),
    Row("29", f"{C}commentary {J} to=functions.f{MSG}{{}}<|call|>", [CALL], ["recipient_misplaced"]),
    Row("31", f" to=assistant{C}analysis{MSG}hm<|end|>", [HM], ["recipient_not_a_tool"], stop=None, truncated=True),
    Row("51", f"{C}commentaryto=functions.f {J}{MSG}{{}}<|call|>", [CALL], ["recipient_garbled"]),
    Row(
        "recorded: recipient in the channel's place",
        f"{C}repo_browser.search{C}analysis code{MSG}{{}}<|call|>",
        [M("analysis", "repo_browser.search", "code", "{}")],
        ["recipient_as_channel"],
    ),
    Row(
        "recorded: container.exec in the channel's place",
        f"{THINK}<|start|>assistant{C}container.exec{C}analysis code{MSG}{{}}<|call|>",
        [HM, M("analysis", "container.exec", "code", "{}")],
        ["recipient_as_channel"],
    ),
    Row(
        "recorded: to=assistant beside it",
        f"{C}browser.search to=assistant{C}analysis code{MSG}{{}}<|call|>",
        [M("analysis", "browser.search", "code", "{}")],
        ["recipient_as_channel", "recipient_not_a_tool"],
    ),
    Row(
        "recorded: assistant in the channel's place",
        f"{C}assistant to=repo_browser.open_file{C}analysis code{MSG}{{}}<|call|>",
        [M("analysis", "repo_browser.open_file", "code", "{}")],
        ["garbled_channel"],
    ),
    Row(
        "marker leaks into the name",
        f" to=functions.bash{C}commentary{MSG}{{}}<|call|>",
        [M("commentary", "functions.bash", None, "{}")],
    ),
    Row(
        "assistant and a channel in the role",
        f"assistant{C}commentary to=functions.f {J}{MSG}{{}}<|call|>",
        [CALL],
        ["repeated_start"],
    ),
    Row(
        "tool's bare name before the channel",
        f"{C}bash{C}commentary{MSG}{{}}<|call|>",
        [M("commentary", "functions.bash", None, "{}")],
        ["recipient_as_channel", "recipient_bare"],
    ),
    Row(
        "bare name",
        f"{C}commentary to=get_weather {J}{MSG}{{}}<|call|>",
        [M("commentary", "functions.get_weather", J, "{}")],
        ["recipient_bare"],
    ),
    Row(
        "bare name without to=",
        f"{C}commentary bash json{MSG}{{}}<|call|>",
        [M("commentary", "functions.bash", "json", "{}")],
        ["recipient_without_to", "recipient_bare"],
    ),
    Row(
        "bare name in a sentence is none",
        f"{C}commentary we use bash here{MSG}Hi<|end|>",
        [M("commentary", None, None, "Hi")],
        ["extra_header_text"],
        stop=None,
        truncated=True,
    ),
    Row(
        "bare name that two tools have",
        f"{C}commentary to=search {J}{MSG}{{}}<|call|>",
        [M("commentary", "search", J, "{}")],
        undeclared=True,
    ),
    Row(
        "functions. before a trained tool",
        f"{C}commentary to=functions.browser.search {J}{MSG}{{}}<|call|>",
        [M("commentary", "browser.search", J, "{}")],
        ["recipient_prefixed"],
    ),
    Row(
        "functions.python",
        f"{C}analysis to=functions.python code{MSG}1<|call|>",
        [M("analysis", "python", "code", "1")],
        ["recipient_prefixed"],
    ),
    Row(
        "content type glued to the name",
        f"{C}commentary to=functions.bashjson{MSG}{{}}<|call|>",
        [M("commentary", "functions.bash", None, "{}")],
        ["recipient_garbled"],
    ),
    Row(
        "undeclared tool",
        f"{C}analysis to=repo_browser.apply_patch code{MSG}{{}}<|call|>",
        [M("analysis", "repo_browser.apply_patch", "code", "{}")],
        undeclared=True,
    ),
    Row(
        "undeclared tool in the channel's place",
        f"{C}repo_browser.list{C}analysis code{MSG}{{}}<|call|>",
        [M("analysis", "repo_browser.list", "code", "{}")],
        ["recipient_as_channel"],
        undeclared=True,
    ),
    Row(
        "undeclared bare word, known by its <|call|>",
        f"{C}shell{C}analysis code{MSG}{{}}<|call|>",
        [M("analysis", "shell", "code", "{}")],
        ["garbled_channel", "recipient_as_channel"],
        undeclared=True,
    ),
    Row("to=mcp", f"{C}commentary to=mcp {J}{MSG}{{}}<|call|>", [M("commentary", "mcp", J, "{}")], undeclared=True),
    Row("recipient doubled in one word", f"{C}commentary to=to=functions.f {J}{MSG}{{}}<|call|>", [CALL]),
    Row(
        "first of two that is declared",
        f"{C}commentary to=functions.zz to=functions.f {J}{MSG}{{}}<|call|>",
        [CALL],
        ["recipient_repeated"],
    ),
    Row(
        "content type without recipient on final",
        f"{C}final {J}{MSG}Hi<|return|>",
        [M("final", None, J, "Hi")],
        stop="return",
    ),
    Row(
        "reasoning behind <|constrain|>",
        f"{C}commentary to=functions.f {J} We should call the tool now{MSG}{{}}<|call|>",
        [CALL],
        ["extra_header_text"],
    ),
]

CHANNEL = [
    Row("07", f"{MSG}Hello<|return|>", [M(None, None, None, "Hello")], ["missing_channel"], stop="return"),
    Row(
        "22", f"{C}thinking{MSG}hm<|end|>", [M(None, None, None, "hm")], ["unknown_channel"], stop=None, truncated=True
    ),
    Row("23", f"{C}{MSG}hm<|end|>", [M(None, None, None, "hm")], ["missing_channel"], stop=None, truncated=True),
    Row("35", f"{THINK}<|start|>assistantfinal{MSG}Hi<|return|>", [HM, HI], ["missing_channel_token"], stop="return"),
    Row(
        "commentary?",
        f"{C}commentary?{MSG}x<|return|>",
        [M("commentary", None, None, "x")],
        ["garbled_channel"],
        stop="return",
    ),
    Row(
        "commentary with dashes",
        f"{C}––commentary{MSG}x<|return|>",
        [M("commentary", None, None, "x")],
        ["garbled_channel"],
        stop="return",
    ),
    Row("comment", f"{C}comment to=functions.f {J}{MSG}{{}}<|call|>", [CALL], ["garbled_channel"]),
    Row("??", f"{C}??{MSG}x<|return|>", [M(None, None, None, "x")], ["unknown_channel"], stop="return"),
    Row(
        "commentary to=assistant",
        f"{C}commentary to=assistant{MSG}x<|return|>",
        [M("commentary", None, None, "x")],
        ["recipient_not_a_tool"],
        stop="return",
    ),
    Row("two channels", f"{C}analysis{C}final{MSG}Hi<|return|>", [HI], ["repeated_channel"], stop="return"),
    Row(
        "channel glued to its recipient",
        f"{C}commentaryfunctions.f {J}{MSG}{{}}<|call|>",
        [CALL],
        ["garbled_channel", "recipient_without_to"],
    ),
    Row(
        "channel stuttered in one word",
        f"{C}{'final' * 100}{MSG}Hi<|return|>",
        [HI],
        ["garbled_channel", "extra_header_text"],
        stop="return",
    ),
]

BOUNDARIES = [
    Row("14", f"{C}analysis{MSG}hm{C}final{MSG}Hi<|return|>", [HM, HI], ["missing_end"], stop="return"),
    Row(
        "15", f"{C}analysis{MSG}hm<|start|>assistant{C}final{MSG}Hi<|return|>", [HM, HI], ["missing_end"], stop="return"
    ),
    Row("21", "<|return|>", [], discarded=["empty_header"], stop="return"),
    Row("20", "", [], stop=None, truncated=True),
    Row(
        "33",
        f"{C}commentary to=functions.f {J}{MSG}{{}}<|call|><|start|>functions.f to=assistant{C}commentary{MSG}42"
        f"<|end|><|start|>assistant{C}final{MSG}42<|return|>",
        [CALL],
        discarded=["foreign_role"],
    ),
    Row("34", f"{THINK}assistant{C}final{MSG}Hi<|return|>", [HM, HI], ["missing_start"], stop="return"),
    Row("37", f"<|start|>assistant{C}final{MSG}Hi<|return|>", [HI], ["repeated_start"], stop="return"),
    Row("43", f"{C}final{MSG}Hi<|endoftext|>", [HI], ["endoftext"], stop="endoftext"),
    Row("45", f"{C}final{MSG}Hi<|return|>more", [HI], discarded=["after_stop"], stop="return"),
    Row(
        "46",
        f"{C}final{MSG}Hi<|reserved_200013|>x<|return|>",
        [M("final", None, None, "Hi<|reserved_200013|>x")],
        ["stray_token"],
        stop="return",
    ),
    Row(
        "48",
        f"<|start|>functions.f to=assistant{C}commentary{MSG}ok<|end|>",
        [],
        ["repeated_start"],
        ["foreign_role"],
        stop=None,
    ),
    Row("49", f"<|start|>functions.f{C}commentary{MSG}ok<|end|>", [], ["repeated_start"], ["foreign_role"], stop=None),
    Row("53", f"{C}final{MSG}{MSG}Hi<|return|>", [HI], ["repeated_message"], stop="return"),
    Row(
        "55",
        f"{C}analysis to=python{MSG}1<|call|><|end|>",
        [M("analysis", "python", None, "1")],
        discarded=["after_stop"],
    ),
    Row("56", f"{THINK}{C}final{MSG}Hi<|return|>", [HM, HI], ["missing_start"], stop="return"),
    Row(
        "57",
        f"{THINK}\n<|start|>assistant{C}final{MSG}Hi<|return|>",
        [HM, HI],
        discarded=["between_messages"],
        stop="return",
    ),
    Row(
        "extra <|end|> between messages",
        f"{THINK}<|end|><|start|>assistant{C}final{MSG}Hi<|return|>",
        [HM, HI],
        discarded=["between_messages"],
        stop="return",
    ),
    Row(
        "<|return|> after <|end|>",
        f"{C}final{MSG}Hi<|end|><|return|>",
        [HI],
        discarded=["between_messages"],
        stop="return",
    ),
    Row(
        "<|call|> after <|end|>",
        f"{C}commentary to=functions.f {J}{MSG}{{}}<|end|><|call|>",
        [CALL],
        discarded=["between_messages"],
    ),
    Row(
        "two <|start|>",
        f"{THINK}<|start|><|start|>assistant{C}final{MSG}Hi<|return|>",
        [HM, HI],
        ["repeated_start"],
        stop="return",
    ),
    Row(
        "assistantassistant",
        f"{THINK}<|start|>assistantassistant{C}final{MSG}Hi<|return|>",
        [HM, HI],
        ["repeated_start"],
        stop="return",
    ),
    Row("no role", f"{THINK}<|start|>{C}final{MSG}Hi<|return|>", [HM, HI], ["missing_role"], stop="return"),
    Row(
        "channel for a role",
        f"{THINK}<|start|>final{MSG}Hi<|return|>",
        [HM, HI],
        ["missing_role", "missing_channel_token"],
        stop="return",
    ),
    Row(
        "a user's turn made up",
        f"{C}final{MSG}Hi<|end|><|start|>user{MSG}And?<|end|>",
        [HI],
        discarded=["foreign_role"],
        stop=None,
    ),
    Row(
        "a system message made up, without <|message|>",
        f"{C}final{MSG}Hi<|end|><|start|>system You obey<|end|>",
        [HI],
        discarded=["foreign_role"],
        stop=None,
    ),
    Row(
        "repetition of one token",
        f"{C}analysis{MSG}hm<|end|>" + C * 200,
        [HM],
        ["missing_start"],
        ["empty_header"] * 4,
        stop=None,
        truncated=True,
    ),
]

NO_MESSAGE_TOKEN = [
    Row(
        "11",
        "analysisWe need to think.assistantfinalHello",
        [M("analysis", None, None, "We need to think."), M("final", None, None, "Hello")],
        ["plain_text"] * 2,
        stop=None,
        truncated=True,
    ),
    Row(
        "12",
        "analysisWe need to think.assistantfinalHello<|return|>",
        [M("analysis", None, None, "We need to think."), M("final", None, None, "Hello")],
        ["plain_text"] * 2,
        stop="return",
    ),
    Row(
        "13",
        f"{THINK}Hello<|return|>",
        [HM, M(None, None, None, "Hello")],
        ["missing_start", "missing_message"],
        stop="return",
    ),
    Row(
        "16",
        f'{C}commentary to=functions.f {J}{{"a":1}}<|call|>',
        [M("commentary", "functions.f", J, '{"a":1}')],
        ["missing_message"],
    ),
    Row(
        "17",
        f"{C}commentary Hello<|end|>",
        [M("commentary", None, None, "Hello")],
        ["missing_message"],
        stop=None,
        truncated=True,
    ),
    Row(
        "refusal without a header",
        f"I must refuse<|end|><|start|>assistant{C}final{MSG}Hi<|return|>",
        [M(None, None, None, "I must refuse"), HI],
        ["missing_message"],
        stop="return",
    ),
    Row(
        "code without <|message|>",
        f"{C}analysis to=python code print(1)<|call|>",
        [M("analysis", "python", "code", "print(1)")],
        ["missing_message"],
    ),
    Row(
        "call without arguments or <|message|>",
        f"{C}commentary to=functions.f {J}<|call|>",
        [M("commentary", "functions.f", J, "")],
        ["missing_message"],
    ),
    Row(
        "neither <|message|> nor <|end|>",
        f"{C}analysis We need to think about this{C}final{MSG}Hi<|return|>",
        [M("analysis", None, None, "We need to think about this"), HI],
        ["missing_message", "missing_end"],
        stop="return",
    ),
    Row(
        "call in plain text",
        'We look.assistantcommentary to=functions.f json{"a":1}<|call|>',
        [M(None, None, None, "We look."), M("commentary", "functions.f", "json", '{"a":1}')],
        ["missing_message", "plain_text"],
    ),
    Row(
        "final leaks into analysis",
        f"{C}analysis{MSG}We need to think.assistantfinalHello<|return|>",
        [M("analysis", None, None, "We need to think."), M("final", None, None, "Hello")],
        ["plain_text"],
        stop="return",
    ),
    Row(
        "call leaks into analysis",
        f'{C}analysis{MSG}Look.assistantcommentary to=functions.f json{{"a":1}}<|call|>',
        [M("analysis", None, None, "Look."), M("commentary", "functions.f", "json", '{"a":1}')],
        ["plain_text"],
    ),
    Row(
        "leak before a real header",
        f"analysisWe need to think.assistantfinal{MSG}Hi<|return|>",
        [M("analysis", None, None, "We need to think."), HI],
        ["plain_text", "missing_channel_token"],
        stop="return",
    ),
    Row(
        "a leak that a stray token takes apart is none",
        f"{C}analysis{MSG}assistant{MSG} to=<|call|>",
        [M("analysis", None, None, "assistant to=")],
        ["stray_token"],
    ),
    Row(
        "finally is no header",
        "finally, we are done<|return|>",
        [M(None, None, None, "finally, we are done")],
        ["missing_message"],
        stop="return",
    ),
]

TRUNCATED = [
    Row(
        "19",
        f'{C}commentary to=functions.f {J}{MSG}{{"a":',
        [M("commentary", "functions.f", J, '{"a":')],
        stop=None,
        truncated=True,
    ),
    Row(
        "cut in a header",
        f"{THINK}<|start|>assistant{C}commentary to=func",
        [HM],
        discarded=["empty_header"],
        stop=None,
        truncated=True,
    ),
    Row("cut behind <|start|>", f"{THINK}<|start|>", [HM], discarded=["empty_header"], stop=None, truncated=True),
    Row("cut between messages", THINK, [HM], stop=None, truncated=True),
    Row("cut in a channel's name", f"{C}comment", [], discarded=["empty_header"], stop=None, truncated=True),
]

ROWS = WELL_FORMED + RECIPIENT + CHANNEL + BOUNDARIES + NO_MESSAGE_TOKEN + TRUNCATED
