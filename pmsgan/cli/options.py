"""Options that a command takes from config dataclasses, so that each is written once."""

import ast
import functools
import inspect
import itertools
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

R = TypeVar("R")


def config_options(
    *,
    omit: Collection[str] = (),
    rename: Mapping[str, str] | None = None,
    flags: Collection[str] = (),
    show_default: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Replace each parameter of a command that is a dataclass by one option for each field.

    The option `--batch-size` stands for the field `batch_size`. It has the field's type and
    default; its help is the first paragraph of the string literal below the field. A `Literal`
    becomes a choice, a `Literal` or `int` takes one of its words or a number, a `tuple[str, ...]`
    becomes an option that may be repeated, and a `bool` becomes `--x/--no-x`. The command receives
    instances, whose `__post_init__` checks the values; this decorator stands below
    `one_line_errors`, which reports the ConfigError.

        @one_line_errors
        @config_options(omit=("betas",), rename={"num_readers": "--readers"})
        def train(data: Path, size: int = 256, *, training: TrainingConfig) -> None: ...

    A field that has a parameter of its own in the command, such as `size` here, keeps its default
    in the instance; the command sets it with `dataclasses.replace`.

    Args:
        omit: fields that are no options and keep their defaults.
        rename: names of options, such as `--readers`, by field.
        flags: `bool` fields that become `--x` without a `--no-x`.
        show_default: texts that the help shows instead of defaults, by field.
        environment: environment variables that set an option which is not given, by field.
    """
    variables = dict(environment or {})
    names = {name: _long_name(name) for name in flags} | dict(rename or {})
    shown = dict(show_default or {})

    def decorate(command: Callable[..., R]) -> Callable[..., R]:
        # Not get_type_hints: on Python 3.10 it wraps Annotated[...] = None, which hides the option.
        own = inspect.signature(command, eval_str=True).parameters
        configs: dict[str, Any] = {
            name: parameter.annotation
            for name, parameter in own.items()
            if is_dataclass(parameter.annotation)
        }
        known = {field.name for config in configs.values() for field in fields(config)}
        named = {*omit, *names, *shown, *variables}
        if unknown := named - known:  # a misspelt name would do nothing
            raise TypeError(f"{command.__name__}: no dataclass has a field {min(unknown)!r}")
        options = {
            name: _options(config, {*omit, *own}, names, shown, variables)
            for name, config in configs.items()
        }

        @functools.wraps(command)
        def wrapped(**given: Any) -> R:
            for name, config in configs.items():
                values = {option.name: given.pop(option.name) for option in options[name]}
                given[name] = config(**{key: _value(value) for key, value in values.items()})
            return command(**given)

        parameters = [
            option.replace(kind=inspect.Parameter.KEYWORD_ONLY)  # typer passes all by name
            for name, parameter in own.items()
            for option in options.get(name, [parameter])
        ]
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return wrapped

    return decorate


@functools.cache
def field_docs(config: type) -> dict[str, str]:
    """Return the first paragraph of the string literal below each field of a class.

    It is empty where the source is not at hand, as in a program that ships bytecode alone.
    """
    try:
        tree = ast.parse(inspect.getsource(sys.modules[config.__module__]))
    except (OSError, TypeError):
        return {}
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == config.__name__)
    docs = {}
    for statement, below in itertools.pairwise(body):
        match statement, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
    return docs


def _options(
    config: type,
    left_out: Collection[str],
    names: Mapping[str, str],
    shown: Mapping[str, str],
    variables: Mapping[str, str],
) -> list[inspect.Parameter]:
    """Return the options of a dataclass as typer reads them from a signature."""
    docs, kinds = field_docs(config), get_type_hints(config)
    options = []
    for field in fields(config):
        if field.name in left_out:
            continue
        decls = [names[field.name]] if field.name in names else []
        kind = kinds[field.name]
        words = _words(kind)
        option = typer.Option(
            *decls,
            help=docs.get(field.name, ""),
            show_default=shown.get(field.name, True),
            envvar=variables.get(field.name),
            parser=_word_or_number(words) if words else None,
            metavar="|".join((*words, "N")) if words else None,
        )
        if words:
            kind = Any
        elif get_origin(kind) is tuple and get_args(kind)[-1] is ...:
            kind = list[get_args(kind)[0]]  # type: ignore[misc]
        options.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[kind, option],
                default=_default(field),
            )
        )
    return options


def _words(kind: Any) -> tuple[str, ...]:
    """Return the words of a `Literal | int`; none of any other type."""
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else ()
    if int not in parts:
        return ()
    return tuple(word for part in parts for word in get_args(part))


def _word_or_number(words: tuple[str, ...]) -> Callable[[str | int], str | int]:
    def parse(given: str | int) -> str | int:
        if given in words:
            return given
        try:
            return int(given)
        except ValueError:
            known = " or ".join(words)
            raise typer.BadParameter(f"{given!r} is not {known}, nor a number") from None

    return parse


def _default(field: "Field[Any]") -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default


def _value(given: Any) -> Any:
    """Return what an option holds as a field has it: a repeated one as a tuple."""
    return tuple(given) if isinstance(given, list) else given


def _long_name(field: str) -> str:
    return f"--{field.replace('_', '-')}"
