"""Errors of the sandbox beside `SandboxUnavailable`: what a caller asked for could not be done."""

from ossia.errors import UserError


class SandboxFileError(UserError):
    """A file could not be moved: a path outside the working directory, a link, no such file, too large, disk full."""


class SandboxUsageError(UserError):
    """A sandbox or provider was configured with something that it does not take."""
