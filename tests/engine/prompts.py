"""Prompts such as agents give: real system messages, questions, tool results, sessions of several turns."""

from ossia import harmony
from ossia.tools import Python
from ossia.types import Effort

_QUESTIONS = (
    "What is 48213 * 777?",
    "What is 12 + 30?",
    "Calculate 123123 - 98765.",
    "What is (17 + 4) * 99?",
    "2**64",
    "Hello!",
    "please compute 987654321 // 12345",
    "What is the capital of France?",
)


def _ids(text: str) -> list[int]:
    return harmony.encoding().encode(text, special=True)


def _system(effort: Effort = "medium", instructions: str | None = None) -> list[int]:
    return harmony.render_prompt(
        harmony.PromptConfig(effort=effort, instructions=instructions, tools=(Python().namespace,))
    )


def _turn(question: str, code: str, result: str) -> list[int]:
    """A question, its call and the result of the call."""
    call = _ids(f"<|start|>assistant<|channel|>analysis to=python code<|message|>{code}<|call|>")
    return [*harmony.render_user(question), *call, *harmony.render_tool("python", result, "analysis")]


def agent_prompts() -> list[list[int]]:
    """Twenty prompts of 100 to 1,600 token ids, each up to and with `<|start|>assistant`."""
    start, final = _ids("<|start|>assistant"), "<|start|>assistant<|channel|>final<|message|>"
    first = [[*_system(), *harmony.render_user(question), *start] for question in _QUESTIONS]
    systems = (_system("low"), _system("high", "Be brief."), _system("medium", "You are a calculator."))
    variants = [[*system, *harmony.render_user("What is 31 * 14?"), *start] for system in systems]
    results = [
        [*_system(), *_turn(f"What is {a} * {b}?", f"print({a} * {b})", f"{a * b}\n"), *start]
        for a, b in ((48213, 777), (12, 12), (999999, 1000001), (31, 14), (5, 0))
    ]
    sessions = []
    for turns in (1, 4, 20, 30):
        earlier = [
            token
            for i in range(turns)
            for token in [
                *_turn(f"What is {i} + 7?", f"print({i} + 7)", f"{i + 7}\n"),
                *_ids(f"{final}The result is {i + 7}.<|end|>"),
            ]
        ]
        sessions.append([*_system(), *earlier, *harmony.render_user("What is 222 - 111?"), *start])
    return [*first, *variants, *results, *sessions]
