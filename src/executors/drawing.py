"""Draws the pictures of trials that end together in other processes, while this process works on their models."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection

from src.executors import forking

Arguments = tuple[dict[str, list[float]], int, str]  # of plots.curves.curves
Drawn = Callable[[], bytes]
MODULES = [*forking.DRIVER, "src.plots.curves"]


def here(pictures: Iterable[Arguments]) -> Iterator[Drawn]:
    """Yields for each picture a function that draws it in this process."""
    return (partial(_curves, one) for one in pictures)


def ahead(pictures: Iterable[Arguments], processes: int) -> Iterator[Drawn]:
    """Yields for each picture a function that waits for it; starts drawing up to `processes` pictures in advance."""
    begun = deque[Drawn]()
    for one in pictures:
        begun.append(_begun(one))
        if len(begun) > processes:
            yield begun.popleft()
    yield from begun


def _begun(arguments: Arguments) -> Drawn:
    receiver, sender = forking.context.Pipe(duplex=False)
    process = forking.context.Process(target=_draw, args=(sender, arguments), daemon=True)
    try:
        process.start()
    except OSError:  # no more processes are allowed
        return partial(_curves, arguments)
    finally:
        sender.close()

    def drawn() -> bytes:
        try:
            picture = receiver.recv_bytes()
        except (EOFError, OSError):  # the process died; this process draws, or raises the same error
            picture = _curves(arguments)
        process.join()
        return picture

    return drawn


def _draw(sender: Connection, arguments: Arguments) -> None:
    sender.send_bytes(_curves(arguments))


def _curves(arguments: Arguments) -> bytes:
    from src.plots.curves import curves  # imports matplotlib, which takes a second

    return curves(*arguments)
