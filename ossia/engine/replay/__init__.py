"""replay: a recorded run's completions, served again."""

from ossia.engine.replay._engine import RecordedCompletion, ReplayEngine

__all__ = ["RecordedCompletion", "ReplayEngine"]
