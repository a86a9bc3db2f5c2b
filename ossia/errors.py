"""The errors of ossia: whose fault it was decides the class.

What a model does wrong is data (a repair, an outcome), never an exception that leaves the loop.
"""


class OssiaError(Exception):
    """Base of every error that ossia raises on purpose."""


class UserError(OssiaError):
    """The caller's mistake: the message says what to change. CLI exit code 2."""


class InfrastructureError(OssiaError):
    """A part that ossia stands on failed (engine, sandbox, disk): retried or reported, never scored. Exit code 3."""


class EngineError(InfrastructureError):
    """An engine could not be started, was lost, or broke its protocol."""


class SandboxUnavailable(InfrastructureError):
    """No sandbox that covers what the tools need could be had, or the one in use is gone."""


class GrammarError(UserError):
    """A grammar that an engine can't compile, such as one with a JSON Schema that its compiler doesn't know."""
