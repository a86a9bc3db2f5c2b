"""What may be said about a transformers engine beside its model."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ossia.engine.checks import refuse_unknown
from ossia.errors import UserError
from ossia.types import JsonValue


class HfOptions(BaseModel):
    """Options of `hf:PATH-OR-ID`."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU, else the CPU."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto`: the checkpoint's own."""
    revision: str | None = None
    """Branch, tag or commit of a model on the hub."""
    max_context: int | None = Field(default=None, gt=0)
    """Token ids of prompt and completion together; None: the model's own, as far as half of the free memory holds."""
    kept_bytes: int | None = Field(default=None, ge=0)
    """Memory for the caches of sessions between two steps; None: a quarter of what is free once the model is loaded."""
    running: int = Field(default=32, gt=0)
    """Completions in one batch; more wait."""

    @classmethod
    def read(cls, options: Mapping[str, JsonValue]) -> "HfOptions":
        """Raises `UserError` for an unknown option or a value of the wrong kind."""
        refuse_unknown("hf", options, cls.model_fields)
        try:
            return cls.model_validate(options, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"the engine hf: option {first['loc'][0]!r}: {first['msg']}") from error
