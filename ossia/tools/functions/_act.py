"""One call of a user's function: what it returned, or how it ended."""

import asyncio
from dataclasses import dataclass

from ossia.errors import InfrastructureError
from ossia.tools.functions._parameters import AnyFunction, Arguments
from ossia.tools.functions.calling import invoke


class ToolError(Exception):
    """Raised by a function to tell the model, in its own words, that the call can't be answered.

    Any other exception is taken for a bug of the function: the model gets one line, the journal the traceback.
    """


@dataclass(frozen=True, slots=True)
class Returned:
    value: object


@dataclass(frozen=True, slots=True)
class Raised:
    error: BaseException


@dataclass(frozen=True, slots=True)
class TimedOut:
    seconds: float


async def act(function: AnyFunction, arguments: Arguments, timeout: float | None) -> Returned | Raised | TimedOut:
    """Call `function`, off the event loop if it is not async, for at most `timeout` seconds.

    Whatever it raises is in what is returned, `InfrastructureError` excepted: that is no fault of the function.
    """
    task = asyncio.current_task()
    cancels = task.cancelling() if task else 0
    deadline = asyncio.timeout(timeout)
    try:
        async with deadline:
            return Returned(await invoke(function, *arguments.args, **arguments.kwargs))
    except InfrastructureError:
        raise
    except TimeoutError as error:
        return TimedOut(timeout) if timeout is not None and deadline.expired() else Raised(error)
    except asyncio.CancelledError as error:
        if task is None or task.cancelling() > cancels:
            raise
        return Raised(error)  # something that the function itself awaited was cancelled, not the call
    except (Exception, SystemExit) as error:  # noqa: BLE001 (the boundary to the user's code: it becomes a result)
        return Raised(error)
