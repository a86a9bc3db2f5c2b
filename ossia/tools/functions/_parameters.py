"""What a function takes: a JSON Schema for the model, and a check of what the model gives."""

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python

from ossia.errors import UserError
from ossia.tools.protocol import ToolContext
from ossia.types import JsonSchema, JsonValue

AnyFunction = Callable[..., object]


class _Schema(GenerateJsonSchema):
    """Without a title for each field, which would only say its name again, and without defaults that are no JSON."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 (pydantic's own declaration)

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    kind: inspect._ParameterKind
    field: str | None
    """Its field in the model; None: it is given the session's context, and the model does not see it."""
    default: object = inspect.Parameter.empty
    """The function's own default, used as it stands where the model gives nothing."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a function is called with."""

    args: tuple[object, ...]
    kwargs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one function."""

    schema: JsonSchema | None
    """JSON Schema of the arguments object; None: there are none."""
    _model: type[BaseModel]
    _parameters: tuple[_Parameter, ...]

    def validate(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> Arguments:
        """The validated arguments of a call. Raises `pydantic.ValidationError`, or `ValueError` for what is no text."""
        values = self._validated(arguments)
        args: list[object] = []
        kwargs: dict[str, object] = {}
        for parameter in self._parameters:
            if parameter.field is None:
                value: object = context
            elif parameter.default is not inspect.Parameter.empty and parameter.field not in values.model_fields_set:
                value = parameter.default
            else:
                value = getattr(values, parameter.field)
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                args.append(value)
            else:
                kwargs[parameter.name] = value
        return Arguments(tuple(args), kwargs)

    def _validated(self, arguments: Mapping[str, JsonValue]) -> BaseModel:
        try:
            # By way of JSON, because pydantic's rules for JSON are those that fit: a list is a tuple, a string a date.
            return self._model.model_validate_json(json.dumps(arguments))
        except ValidationError as error:
            # Models write null for what they would rather leave out.
            wrong = {str(e["loc"][0]) for e in error.errors(include_url=False) if e["loc"]}
            nulls = {k for k in wrong & arguments.keys() if arguments[k] is None and not self._is_required(k)}
            if not nulls:
                raise
        return self._model.model_validate_json(json.dumps({k: v for k, v in arguments.items() if k not in nulls}))

    def _is_required(self, name: str) -> bool:
        required = (self.schema or {}).get("required")
        return isinstance(required, list) and name in required


def read_parameters(function: AnyFunction, name: str, descriptions: Mapping[str, str]) -> Parameters:
    """The parameters of `function`, described by their annotations and by `descriptions` (from its docstring).

    Raises `UserError` where one has no annotation, one that can't be read from JSON, or is `*args` or `**kwargs`.
    """
    hints = _hints(function, name)
    fields: dict[str, tuple[object, FieldInfo]] = {}
    parameters: list[_Parameter] = []
    for parameter in _signature(function):
        hint = _hint(parameter, hints, name)
        if hint is ToolContext:
            parameters.append(_Parameter(parameter.name, parameter.kind, None))
            continue
        field = f"p{len(fields)}"  # a name of ours: parameters may be called `schema` or `_x`, fields may not
        fields[field] = (hint, _field(parameter, hint, descriptions.get(parameter.name)))
        default = parameter.default if _has_default(parameter) else inspect.Parameter.empty
        parameters.append(_Parameter(parameter.name, parameter.kind, field, default))
    model = _model(name, fields)
    return Parameters(_json_schema(model, name) if fields else None, model, tuple(parameters))


def bare(function: AnyFunction) -> AnyFunction:
    """The function behind a `partial` or an object with `__call__`: the one with name, docstring and annotations."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _signature(function: AnyFunction) -> Iterator[inspect.Parameter]:
    # What a partial has bound by keyword is its maker's to choose, and may be a secret: the model is not told of it.
    bound = function.keywords if isinstance(function, functools.partial) else {}
    return (p for p in inspect.signature(function).parameters.values() if p.name not in bound)


def _hints(function: AnyFunction, name: str) -> Mapping[str, object]:
    try:
        return get_type_hints(bare(function), include_extras=True)
    except NameError as error:
        raise UserError(
            f"The annotations of {name!r} can't be read: {error}. Define or import it at the top of the module."
        ) from error


def _hint(parameter: inspect.Parameter, hints: Mapping[str, object], name: str) -> object:
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise UserError(f"{name!r} takes {str(parameter).partition(':')[0]!r}: a tool's parameters must each be named.")
    if parameter.name in hints:
        hint = hints[parameter.name]
        return Annotated[hint, parameter.default] if isinstance(parameter.default, FieldInfo) else hint
    if parameter.name in ("self", "cls"):
        raise UserError(f"{name!r} is a method: give the bound one to `tool`, as in `tool(instance.{name})`.")
    raise UserError(
        f"Parameter {parameter.name!r} of {name!r} has no annotation: say its type, `{parameter.name}: str`."
    )


def _field(parameter: inspect.Parameter, hint: object, description: str | None) -> FieldInfo:
    """What is known of a parameter beside its type; what its annotation says goes before the docstring."""
    said = FieldInfo.from_annotation(cast("type[object]", hint))
    more: dict[str, object] = {}
    if said.validation_alias is None:
        more["alias"] = parameter.name
    if said.description is None and description:
        more["description"] = description
    if _has_default(parameter):
        # Only shown: pydantic would copy the default at each call, which not every object allows.
        more["default_factory"] = lambda: None
        more["json_schema_extra"] = _shown_default(parameter.default)
    return cast(FieldInfo, Field(**more))  # type: ignore[call-overload]


def _shown_default(default: object) -> dict[str, JsonValue]:
    try:
        return {"default": to_jsonable_python(default)}
    except ValueError:
        return {}


def _has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty and not isinstance(parameter.default, FieldInfo)


def _model(name: str, fields: Mapping[str, tuple[object, FieldInfo]]) -> type[BaseModel]:
    try:
        made = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)  # type: ignore[call-overload]
    except PydanticUserError as error:
        raise _unreadable(name, fields, error) from error
    return cast("type[BaseModel]", made)


def _json_schema(model: type[BaseModel], name: str) -> JsonSchema:
    try:
        schema = model.model_json_schema(schema_generator=_Schema)
    except PydanticUserError as error:
        fields = {key: (info.annotation, info) for key, info in model.model_fields.items()}
        raise _unreadable(name, fields, error) from error
    schema.pop("title", None)
    for name, definition in schema.get("$defs", {}).items():
        if definition.get("title") == name:
            del definition["title"]
    return cast(JsonSchema, schema)


def _unreadable(name: str, fields: Mapping[str, tuple[object, FieldInfo]], error: Exception) -> UserError:
    """Says which parameter it is that can't be read from JSON: pydantic names only the type."""
    for hint, info in fields.values():
        try:
            TypeAdapter(cast("type[object]", hint)).json_schema()
        except PydanticUserError:
            shown = getattr(hint, "__name__", hint)
            return UserError(
                f"Parameter {info.alias!r} of {name!r} is annotated {shown}, which can't be read from JSON: "
                "use built-in types, enums, dataclasses or pydantic models."
            )
    return UserError(f"The parameters of {name!r} make no schema: {error}")
