"""Reads all pages of the results of MLflow's searches; a caller of the first page alone would silently lose the rest."""

from collections.abc import Callable, Iterator
from typing import Any


def every(search: Callable[..., Any], *arguments: Any, **named: Any) -> Iterator[Any]:
    """Yields all results of a client's `search_…` method, page after page."""
    token = None
    while True:
        page = search(*arguments, **named, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
