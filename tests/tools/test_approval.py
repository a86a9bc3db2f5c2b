"""Approval: rules by recipient, and whom to ask."""

import asyncio
import threading

import pytest

from ossia.errors import UserError
from ossia.tools.approval import Approval, PendingCall, Rule

EXEC = PendingCall("container.exec", '{"cmd": ["rm", "-r", "/"]}', "session-1")


@pytest.mark.parametrize(
    ("recipient", "rule"),
    [
        ("python", "allow"),
        ("container.exec", "ask"),
        ("functions.send_mail", "deny"),
        ("functions.send_nothing", "allow"),
        ("functions.SEND_mail", "allow"),
    ],
)
def test_the_last_rule_that_matches_counts(recipient: str, rule: Rule) -> None:
    approval = Approval(
        {"*": "allow", "container.*": "ask", "functions.send_*": "deny", "functions.send_nothing": "allow"}
    )
    assert approval.rule(recipient) == rule


def test_where_no_rule_matches_the_default_counts() -> None:
    assert Approval().rule("python") == "allow"
    assert Approval({"python": "allow"}, default="deny").rule("browser.search") == "deny"


async def test_allowed_and_denied_calls_ask_nobody() -> None:
    def never(call: PendingCall) -> bool:
        raise AssertionError(call)

    assert (await Approval(approve=never).judge(EXEC)).decision == "allowed"
    verdict = await Approval({"container.exec": "deny"}, never).judge(EXEC)
    assert verdict.decision == "denied"
    assert verdict.refusal is not None
    assert verdict.refusal.error
    assert verdict.refusal.text == "Calls to container.exec are not allowed here. Go on without it."
    assert verdict.refusal.details == {"status": "refused", "approval": "denied"}


async def test_a_person_sees_the_whole_call_and_says_yes() -> None:
    asked: list[PendingCall] = []

    async def yes(call: PendingCall) -> bool:
        asked.append(call)
        return True

    verdict = await Approval({"*": "ask"}, yes).judge(EXEC)
    assert (verdict.decision, verdict.refusal, asked) == ("approved", None, [EXEC])


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (False, "The user did not allow this call of container.exec."),
        ("", "The user did not allow this call of container.exec."),
        ("look, don't delete", "The user did not allow this call of container.exec: look, don't delete"),
    ],
)
async def test_a_person_says_no_and_why(answer: bool | str, text: str) -> None:
    async def no(call: PendingCall) -> bool | str:
        return answer

    verdict = await Approval({"*": "ask"}, no).judge(EXEC)
    assert verdict.decision == "refused"
    assert verdict.refusal is not None
    assert verdict.refusal.text == text


async def test_a_callback_that_blocks_runs_beside_the_loop() -> None:
    asked, answer = threading.Event(), threading.Event()

    def blocking(call: PendingCall) -> bool:
        asked.set()
        return answer.wait(5)

    task = asyncio.create_task(Approval({"*": "ask"}, blocking).judge(EXEC))
    await asyncio.to_thread(asked.wait, 5)
    assert not task.done()
    answer.set()
    assert (await task).decision == "approved"


async def test_with_nobody_to_ask_the_call_is_refused() -> None:
    verdict = await Approval({"*": "ask"}).judge(EXEC)
    assert verdict.decision == "refused"
    assert verdict.refusal is not None
    assert verdict.refusal.details["approval"] == "nobody"
    assert "nobody is here to give it" in verdict.refusal.text


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
async def test_nothing_but_true_approves(answer: object) -> None:
    def odd(call: PendingCall) -> bool:
        return answer  # type: ignore[return-value]

    assert (await Approval({"*": "ask"}, odd).judge(EXEC)).decision == "refused"


async def test_a_callback_that_fails_refuses_and_leaves_a_traceback() -> None:
    async def broken(call: PendingCall) -> bool:
        raise OSError("no terminal")

    verdict = await Approval({"*": "ask"}, broken).judge(EXEC)
    assert verdict.decision == "refused"
    assert verdict.refusal is not None
    assert "could not be asked for: OSError: no terminal" in verdict.refusal.text
    assert verdict.refusal.details["bug"] is True
    assert "in broken\n" in str(verdict.refusal.details["traceback"])


async def test_cancelling_while_asking_passes_through() -> None:
    async def never(call: PendingCall) -> bool:
        await asyncio.sleep(60)
        return True

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await Approval({"*": "ask"}, never).judge(EXEC)


def test_rules_that_protect_nothing_are_refused() -> None:
    recipients = ["python", "container.exec", "functions.send_mail"]
    Approval({"*": "ask", "functions.*": "deny", "container.exec": "ask"}).check(recipients)
    with pytest.raises(UserError, match=r"'container.exce' matches no tool. .* Did you mean 'container.exec'\?"):
        Approval({"container.exce": "ask"}).check(recipients)
    with pytest.raises(UserError, match=r"The tools are: none\."):
        Approval({"x": "ask"}).check([])
    with pytest.raises(UserError, match=r"'python' is 'no': say allow, ask or deny"):
        Approval({"python": "no"})  # type: ignore[dict-item]
    with pytest.raises(UserError, match=r"'default' is 'maybe'"):
        Approval(default="maybe")  # type: ignore[arg-type]
