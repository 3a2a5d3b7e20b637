"""Draws the pictures of trials that end together in processes of their own, beside what this process does with their models."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection

from src.executors import forking

Arguments = tuple[dict[str, list[float]], int, str]  # those of plots.curves.curves
Drawn = Callable[[], bytes]
# What the driver's main module imports, which a new process would import first, and the pictures.
MODULES = ["src.config.command_line", "src.running.run", "src.plots.curves"]


def here(pictures: Iterable[Arguments]) -> Iterator[Drawn]:
    """Yields for each picture a function that draws it in this process."""
    from src.plots.curves import curves  # matplotlib, a second

    return (partial(curves, *one) for one in pictures)


def ahead(pictures: Iterable[Arguments], processes: int) -> Iterator[Drawn]:
    """Yields for each picture a function that waits for it; draws as many as there are processes ahead."""
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
        return next(here([arguments]))
    finally:
        sender.close()

    def drawn() -> bytes:
        try:
            picture = receiver.recv_bytes()
        except (EOFError, OSError):  # the process died; this one draws, or fails as it did
            picture = next(here([arguments]))()
        process.join()
        return picture

    return drawn


def _draw(sender: Connection, arguments: Arguments) -> None:
    sender.send_bytes(next(here([arguments]))())
