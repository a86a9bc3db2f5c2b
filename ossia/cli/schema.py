"""`ossia schema`: what a task file may say, for editors."""

import json

from ossia.agent.task import TaskConfig


def schema() -> None:
    """Print the JSON Schema of task files; editors take it for completion and checks."""
    print(json.dumps(TaskConfig.model_json_schema(), indent=2))
