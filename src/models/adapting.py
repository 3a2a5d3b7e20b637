"""Records what layers learn in `adapt` and files of weights do not include: vocabularies and the limits of bins.

A served model is built by the same code as in training, but without the training data. So this module records what layers learn while
the trial's network is built, and gives it to the layers of the served model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from keras.src.layers.preprocessing.discretization import Discretization
from keras.src.layers.preprocessing.index_lookup import IndexLookup

Learned = list[dict[str, Any]]
"""One entry per `adapt`, in the order of the calls: the class of the layer and what it learned, as JSON."""


@contextmanager
def recording() -> Iterator[Learned]:
    """Yields a list that is filled with what layers learn inside of the context."""
    learned: Learned = []

    def record(layer: Any, finish: Callable[[Any], None]) -> None:
        finish(layer)
        learned.append(_learned(layer))

    with _finishing(record):
        yield learned


@contextmanager
def replaying(learned: Learned) -> Iterator[None]:
    """Gives layers what was recorded, and ignores the data to which they are adapted.

    Raises:
        ValueError: the adapted layers are not those that were recorded.
    """
    waiting = list(learned)

    def give(layer: Any, _: Callable[[Any], None]) -> None:
        kind = type(layer).__name__
        if not waiting or waiting[0]["layer"] != kind:
            raise ValueError(f"a {kind} is adapted; expected {waiting[0]['layer'] if waiting else 'none'}, as in training")
        known = waiting.pop(0)
        if "bin_boundaries" in known:
            layer.bin_boundaries = known["bin_boundaries"]
        elif known["vocabulary"]:
            layer.set_vocabulary(known["vocabulary"], known["idf_weights"])

    with _finishing(give):
        yield
    if waiting:
        raise ValueError(f"{len(waiting)} layers are not adapted, such as a {waiting[0]['layer']}; expected as in training")


@contextmanager
def _finishing(replacement: Callable[[Any, Callable[[Any], None]], Any]) -> Iterator[None]:
    """Replaces the last step of every `adapt` inside of the context."""
    originals = {kind: kind.finalize_state for kind in (IndexLookup, Discretization)}
    for kind, finish in originals.items():
        kind.finalize_state = lambda layer, finish=finish: replacement(layer, finish)
    try:
        yield
    finally:
        for kind, finish in originals.items():
            kind.finalize_state = finish


def _learned(layer: Any) -> dict[str, Any]:
    kind = type(layer).__name__
    if isinstance(layer, Discretization):
        return {"layer": kind, "bin_boundaries": [float(limit) for limit in layer.bin_boundaries]}
    weights = None
    if layer.output_mode == "tf_idf":
        special = layer.vocabulary_size() - len(layer.get_vocabulary(include_special_tokens=False))
        weights = layer.idf_weights_const.numpy()[special : layer.vocabulary_size()].tolist()
    return {"layer": kind, "vocabulary": _plain(layer.get_vocabulary(include_special_tokens=False)), "idf_weights": weights}


def _plain(words: list[Any]) -> list[Any]:
    return [word if isinstance(word, str) else int(word) for word in words]
