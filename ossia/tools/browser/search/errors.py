"""Why a search was not answered."""

from typing import Literal

Failure = Literal["rate_limited", "blocked", "unauthorized", "quota", "timeout", "unavailable"]


class SearchError(Exception):
    """A search that was not answered; "nothing found" is an answer. Its text is for the model.

    `failure`: why. `retry_after`: seconds after which the provider says it may be asked again, where it says so.
    """

    def __init__(self, message: str, failure: Failure, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure: Failure = failure
        self.retry_after = retry_after
