"""MLflow's searches answer page by page; whoever reads the first one alone loses the rest without a word."""

from collections.abc import Callable, Iterator
from typing import Any


def every(search: Callable[..., Any], *arguments: Any, **named: Any) -> Iterator[Any]:
    """All results of a client's `search_…`, page after page."""
    token = None
    while True:
        page = search(*arguments, **named, page_token=token)
        yield from page
        if not (token := page.token):
            return
