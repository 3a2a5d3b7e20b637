"""Finds the part of a script that some names need: the statements that bind them, and those that these need in turn."""

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a script.

    Attributes:
        text: its lines, decorators included.
    """

    node: ast.stmt
    text: str

    @cached_property
    def _tables(self) -> list[symtable.SymbolTable]:
        return list(_tables(symtable.symtable(ast.unparse(self.node), "script", "exec")))

    @cached_property
    def uses(self) -> set[str]:
        """The names of the script that it reads, also within functions and classes that it defines."""
        outer, *inner = self._tables
        own = {symbol.get_name() for symbol in outer.get_symbols() if symbol.is_referenced()}
        return own | {symbol.get_name() for table in inner for symbol in table.get_symbols() if symbol.is_global()}

    @cached_property
    def binds(self) -> set[str]:
        """The names of the script that it binds, or whose objects it changes, as `space.Fixed("units", 8)` changes `space`."""
        outer, *inner = self._tables
        own = {one.get_name() for one in outer.get_symbols() if one.is_assigned() or one.is_imported() or one.is_namespace()}
        declared = {one.get_name() for table in inner for one in table.get_symbols() if one.is_declared_global() and one.is_assigned()}
        return own | declared | set(_changed(self.node))

    @property
    def defines(self) -> str:
        """The name of the function or class that it defines; empty for another statement."""
        return self.node.name if isinstance(self.node, ast.FunctionDef | ast.ClassDef) else ""

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments of the function that it defines."""
        return [one.arg for one in self.node.args.args] if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef) else []

    @property
    def searches(self) -> bool:
        """True if it calls a method `search`."""
        calls = (node for node in ast.walk(self.node) if isinstance(node, ast.Call))
        return any(isinstance(call.func, ast.Attribute) and call.func.attr == "search" for call in calls)


def statements(source: str) -> list[Statement]:
    """Returns the statements of a script.

    Raises:
        SyntaxError: it is not Python.
    """
    found = []
    for node in ast.parse(source).body:
        decorators = [f"@{ast.get_source_segment(source, one)}" for one in getattr(node, "decorator_list", [])]
        found.append(Statement(node, "\n".join([*decorators, ast.get_source_segment(source, node) or ""])))
    return found


def needed(script: list[Statement], names: Iterable[str]) -> list[Statement]:
    """Returns the statements that bind names, or names that these need, in the order of the script.

    Leaves out a definition that a later one replaces, unless a statement between them needs it.
    """
    wanted, picked = set(names), set[int]()
    while more := [number for number, one in enumerate(script) if number not in picked and one.binds & wanted]:
        picked |= set(more)
        wanted |= {name for number in more for name in script[number].uses}
    found = [script[number] for number in sorted(picked)]
    return [one for number, one in enumerate(found) if not one.defines or not _replaced(one.defines, found[number + 1 :])]


def _replaced(name: str, later: list[Statement]) -> bool:
    """Returns True if a definition is replaced before a statement other than a definition needs it."""
    for one in later:
        if one.defines == name:
            return True
        if not one.defines and name in one.uses:
            return False
    return False


def searching(script: list[Statement], also: Iterable[str] = ()) -> Iterator[list[Statement]]:
    """Yields, for each statement that may start a search, the part of the script that it needs, with the statement at the end.

    Args:
        also: names that the part shall bind, too.
    """
    starters: set[str] = set()  # functions that start a search
    while more := {one.defines for one in script if one.defines and (one.searches or one.uses & starters)} - starters:
        starters |= more
    for number, one in enumerate(script):
        if not one.defines and (one.searches or one.uses & starters):
            yield [*needed(script[:number], one.uses | set(also)), one]


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _changed(node: ast.AST) -> Iterator[str]:
    """Yields the names of objects that a statement, or a statement within it, may change.

    These are the owners of the methods that it calls and of the parts to which it assigns, and the arguments of functions whose results it
    does not use, as in `shuffle(x)`.
    """
    owners: list[ast.expr] = []
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call, name = node.value, ast.unparse(node.value.func)
        owners = [call.func]
        if name.rpartition(".")[2] == "shuffle" or (isinstance(call.func, ast.Name) and not hasattr(builtins, name)):
            arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
            yield from (one.id for one in arguments if isinstance(one, ast.Name))
    elif isinstance(node, ast.Assign | ast.AugAssign):
        owners = node.targets if isinstance(node, ast.Assign) else [node.target]
    for owner in owners:
        while isinstance(owner, ast.Attribute | ast.Subscript | ast.Call):
            owner = owner.func if isinstance(owner, ast.Call) else owner.value
            if isinstance(owner, ast.Name):
                yield owner.id
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, DEFINITIONS) and not isinstance(node, DEFINITIONS):
            yield from _changed(child)
