"""MLflow's searches return their results page by page; a caller that reads only the first page silently loses the rest."""

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
