"""What `ossia doctor` looks at: this machine, its sandboxes, its GPUs, and an engine."""

from ossia.cli._doctor.engine import examine_engine
from ossia.cli._doctor.examine import examine
from ossia.cli._doctor.finding import Finding, State, exit_code

__all__ = ["Finding", "State", "examine", "examine_engine", "exit_code"]
