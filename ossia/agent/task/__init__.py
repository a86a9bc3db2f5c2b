"""Tasks: an agent, its limits and its input in one YAML file."""

from ossia.agent.task.config import TaskConfig
from ossia.agent.task.task import Task, load_task, plain_task, recorded_task

__all__ = ["Task", "TaskConfig", "load_task", "plain_task", "recorded_task"]
