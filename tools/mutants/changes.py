"""All single changes of a module that a test should notice."""

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.And: ast.Or, ast.Or: ast.And}
REMOVED = (ast.AugAssign, ast.Raise, ast.Break, ast.Continue)


class Mutant(NamedTuple):
    """A module with one change."""

    file: str
    function: str
    """Where the change is; empty outside of functions."""
    line: int
    change: str
    text: str
    """The whole module."""

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.name} (line {self.line})"

    @property
    def name(self) -> str:
        """File, function and change, which other edits of the module leave as they are."""
        return f"{self.file} {self.function}: {self.change}"


def mutants_of(file: str, tree: ast.Module) -> Iterator[Mutant]:
    """Give all mutants of a module, in the order of its text."""
    for parent, field, index, function in _places(tree, ""):
        here = getattr(parent, field)
        node = here if index is None else here[index]
        for changed in _changes(node):
            _put(parent, field, index, changed)
            ast.fix_missing_locations(tree)
            change = f"{ast.unparse(node)} -> {ast.unparse(changed)}"
            yield Mutant(file, function, node.lineno, change, ast.unparse(tree))
        _put(parent, field, index, node)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _places(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """Give each node below one by its parent.

    Left out are annotations, decorators, and the values of a module's constants, which are choices.
    """
    if isinstance(node, ast.FunctionDef):
        function = node.name
    for field, value in list(ast.iter_fields(node)):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(node, ast.Module) and isinstance(child, ast.Assign | ast.AnnAssign):
                continue
            if isinstance(child, ast.stmt | ast.expr):
                yield node, field, index, function
                yield from _places(child, function)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[kind]) if type(kind) in COMPARED:
            yield _with(node, ops=[COMPARED[type(kind)]()])
        case ast.BinOp(op=kind) | ast.BoolOp(op=kind) if type(kind) in OTHER:
            yield _with(node, op=OTHER[type(kind)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Return(value=ast.expr() as value) if not _is_falsy(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case _ if isinstance(node, REMOVED):
            yield ast.Pass()
        case _:
            pass


def _is_falsy(node: ast.expr) -> bool:
    """Say whether an expression is None, or a constant that callers take for the same."""
    return isinstance(node, ast.Constant) and not node.value


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
