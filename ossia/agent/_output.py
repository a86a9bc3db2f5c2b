"""Structured output: what the final answer has to be, and what is made of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jsonschema
import jsonschema.protocols
from pydantic import JsonValue, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from ossia import harmony
from ossia.errors import UserError
from ossia.types import JsonSchema

Output: TypeAlias = type | TypeAdapter[object] | JsonSchema
"""A pydantic model, dataclass or other type that pydantic reads from JSON; or a JSON Schema."""

REPAIR = "Your answer does not have the form that was asked for: {problem}\nAnswer again, with nothing but the JSON."
"""What the model is told once, where its answer could not be used."""


class Unusable(ValueError):
    """A final answer is not of the form that was asked for; the message says why, for the model to read."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """The form that final answers must have."""

    name: str
    schema: JsonSchema
    adapter: TypeAdapter[object] | None
    """Makes the object; None: the answer stays the JSON value that it is."""

    @property
    def response_format(self) -> Mapping[str, harmony.ResponseFormat]:
        """How the prompt asks for it."""
        return {self.name: harmony.ResponseFormat(self.schema)}

    def read(self, text: str) -> object:
        """The object that an answer holds, whole and validated. Raises `Unusable`."""
        try:
            value = harmony.parse_json(text).value
        except harmony.NotJson as error:
            raise Unusable(f"it is not JSON ({error}).") from error
        if self.adapter is None:
            self._check(value)
            return value
        try:
            return self.adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors()[:5])
            raise Unusable(f"{problems}.") from error

    def _check(self, value: object) -> None:
        errors = _validator(self.schema)(dict(self.schema)).iter_errors(value)  # type: ignore[arg-type]  # any JSON
        problem = jsonschema.exceptions.best_match(errors)
        if problem is not None:
            raise Unusable(f"{problem.json_path}: {problem.message}.") from problem


def output_format(output: Output) -> OutputFormat:
    """The form that `output` stands for. Raises `UserError` where it is neither a readable type nor a JSON Schema."""
    if isinstance(output, Mapping):
        try:
            _validator(output).check_schema(dict(output))
        except jsonschema.SchemaError as error:
            raise UserError(f"output is no JSON Schema: {error.message}.") from error
        return OutputFormat(str(output.get("title", "answer")), output, None)
    try:
        adapter = output if isinstance(output, TypeAdapter) else TypeAdapter(output)
        schema: dict[str, JsonValue] = adapter.json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise UserError(f"output can't be read from JSON: {output!r}: {str(error).splitlines()[0]}") from error
    return OutputFormat(str(schema.get("title", "answer")), schema, adapter)


def _validator(schema: JsonSchema) -> type[jsonschema.protocols.Validator]:
    return jsonschema.validators.validator_for(dict(schema), jsonschema.Draft202012Validator)
