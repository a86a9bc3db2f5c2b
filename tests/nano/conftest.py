"""What needs torch is left out where it is not installed: it is no part of the base install."""

from importlib.util import find_spec

collect_ignore = (
    [] if find_spec("torch") and find_spec("transformers") else ["test_model.py", "test_rows.py", "test_train.py"]
)
