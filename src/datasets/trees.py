"""Trees: an array, or a dict or tuple of arrays with the same first axis, one row per example."""

from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from src.tasks import Tree as Tree  # defined there because rooms import downwards


def take(tree: Tree, index: Any) -> Tree:
    """Returns rows of every array."""
    return optree.tree_map(lambda array: array[index], tree)


def arrays(tree: Tree) -> dict[str, Any]:
    """Returns place → array; a place is a key such as `age`, or empty if the tree is one array."""
    paths, leaves, _ = optree.tree_flatten_with_path(tree)
    return {"/".join(map(str, path)): leaf for path, leaf in zip(paths, leaves, strict=True)}


def shapes(tree: Tree) -> Any:
    """Returns the tree with each array replaced by the shape of one example."""
    return optree.tree_map(lambda array: tuple(array.shape[1:]), tree)


def over_shapes(function: Callable[[tuple[Any, ...]], Any], shapes: Any) -> Any:
    """Applies a function to every shape in a tree of shapes."""
    return optree.tree_map(function, shapes, is_leaf=_is_shape)


def flat_shapes(shapes: Any) -> list[tuple[Any, ...]]:
    """Returns the shapes in a tree of shapes as a list."""
    found: list[tuple[Any, ...]] = optree.tree_leaves(shapes, is_leaf=_is_shape)
    return found


def _is_shape(node: Any) -> bool:
    return isinstance(node, tuple) and all(size is None or isinstance(size, int) for size in node)


def text(shape: Any) -> str:
    """Returns a shape or a dict of shapes as text: `(28, 28)`, or `age (1,), name ()`."""
    if isinstance(shape, dict):
        return ", ".join(f"{name} {text(one)}" for name, one in shape.items())
    return str(shape)


def length(tree: Tree) -> int:
    """Returns the number of examples."""
    return len(next(iter(arrays(tree).values())))


def joined(batches: list[Tree]) -> Tree:
    """Joins batches into one tree."""
    return optree.tree_map(lambda *parts: np.concatenate(parts), *batches)


def mapped(function: Callable[..., Any], *trees: Tree) -> Tree:
    """Applies a function to the arrays in the same place of all trees."""
    return optree.tree_map(function, *trees)


def update(digest: Any, tree: Tree) -> None:
    """Adds the places, shapes, dtypes and values of arrays to a hash."""
    for place, array in arrays(tree).items():
        digest.update((place + repr((array.shape, array.dtype.str))).encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
