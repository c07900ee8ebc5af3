"""What a decorated function declares, read from its signature, and the values that fit it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from ..errors import WorkerError
from ..protocol import PluginDeclaration, PluginParameter

Axis = Literal["attention", "contrast"]
Stream = Literal["none", "imageFree", "noisyImage"]
Value = bool | int | float | str

_TYPES: dict[type, Literal["float", "int", "bool", "str"]] = {
    float: "float",
    int: "int",
    bool: "bool",
    str: "str",
}
_OFFERS = {"attention": ("reference", "layer", "generated"), "contrast": ("generated",)}
# What a caller says of any plug-in beside its own parameters.
_RESERVED = {
    "attention": {"layers", "warmup", "mode", "normalisation", "imageKeys", "reference"},
    "contrast": {"noiseStep", "noiseSeed"},
}


class PluginError(TypeError):
    """A decorated function that is no method: one sentence."""


@dataclass(frozen=True)
class Declaration:
    function: Callable[..., Any]
    takes: tuple[str, ...]  # what it asks for beside the logits, in its order
    public: PluginDeclaration  # axis, name, parameters ...

    @property
    def name(self) -> str:
        return self.public.name

    def fill(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The caller's values, each checked, and the defaults of the others."""
        parameters = {parameter.name: parameter for parameter in self.public.parameters}
        for name in values:
            if name not in parameters:
                known = ", ".join(map(_describe, parameters.values())) or "no parameters"
                raise WorkerError("bad-input", f'{self.name} has no parameter "{name}"; it has {known}.')
        return {name: self._value(parameter, values) for name, parameter in parameters.items()}

    def _value(self, parameter: PluginParameter, values: Mapping[str, Value]) -> Value:
        value = values.get(parameter.name, parameter.default)
        if value is None:
            raise WorkerError("bad-input", f"{self.name} needs {_describe(parameter)}; give it.")
        try:
            return _fit(parameter, value)
        except ValueError as error:
            raise WorkerError("bad-input", f"{self.name}: {parameter.name} is {error}.") from None


def declare(function: Callable[..., Any], axis: Axis, stream: Stream = "none") -> Declaration:
    name = getattr(function, "__name__", "")
    if not inspect.isfunction(function) or not name.isidentifier():
        raise PluginError(f"@{axis} belongs before a function with a name, not before {function!r}.")
    if stream not in get_args(Stream):
        raise PluginError(f'{name}: there is no stream "{stream}"; there are {", ".join(get_args(Stream))}.')
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise PluginError(f"{name}: {parameter} hides what it takes; name every parameter.")
    own = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    given = [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    logits = 1 if stream == "none" else 2
    if len(given) < logits:
        wanted = "x" if axis == "attention" else "main, other" if logits == 2 else "main"
        raise PluginError(f"{name}: the logits come first, as in def {name}({wanted}, *, ...).")
    takes = tuple(given[logits:])
    for asked in takes:
        if asked not in _OFFERS[axis]:
            raise PluginError(
                f'{name}: "{asked}" is nothing that the engine gives; behind the logits it gives '
                f"{', '.join(_OFFERS[axis])}. Parameters of the method's own stand behind a *."
            )
    public = PluginDeclaration(
        axis=axis,
        name=name,
        summary=(inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " "),
        parameters=[_declare_parameter(function, axis, parameter) for parameter in own],
        takes_reference="reference" in takes,
        stream=stream,
    )
    return Declaration(function, takes, public)


def _declare_parameter(
    function: Callable[..., Any], axis: Axis, parameter: inspect.Parameter
) -> PluginParameter:
    name = f"{function.__name__}: {parameter.name}"
    if parameter.name in _RESERVED[axis]:
        raise PluginError(f"{name} is said of every {axis} plug-in already; call it otherwise.")
    hint = parameter.annotation
    if isinstance(hint, str):  # from __future__ import annotations
        try:
            hint = eval(hint, inspect.unwrap(function).__globals__)
        except Exception as error:
            raise PluginError(f"{name} has the type {hint}, which is no type here ({error}).") from error
    choices = list(get_args(hint)) if get_origin(hint) is Literal else []
    if not all(isinstance(choice, str) for choice in choices) or not (choices or hint in _TYPES):
        shown = "no type" if hint is parameter.empty else f"the type {parameter.annotation}"
        raise PluginError(f"{name} has {shown}; it may be float, int, bool, str or a Literal of texts.")
    declared = PluginParameter(
        name=parameter.name, type="str" if choices else _TYPES[hint], choices=choices, default=None
    )
    if parameter.default is parameter.empty:
        return declared
    try:
        default = _fit(declared, parameter.default)
    except ValueError as error:
        raise PluginError(f"{name} has the default {error}.") from error
    return PluginParameter(name=declared.name, type=declared.type, choices=choices, default=default)


def _fit(parameter: PluginParameter, value: Any) -> Value:
    """The value in the parameter's own type. @raise ValueError, the end of a sentence: "<name> is ..." """
    if parameter.type == "float" and type(value) in (float, int):
        if not math.isfinite(value):
            raise ValueError(f"{value}; a finite number is needed")
        return float(value)
    if _TYPES.get(type(value)) != parameter.type:
        raise ValueError(f"{value!r}; {_NEEDED[parameter.type]} is needed")
    if parameter.choices and value not in parameter.choices:
        raise ValueError(f'"{value}"; it may be {" or ".join(parameter.choices)}')
    return value


_NEEDED = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text"}


def _describe(parameter: PluginParameter) -> str:
    return f"{parameter.name} ({' or '.join(parameter.choices) or parameter.type})"
