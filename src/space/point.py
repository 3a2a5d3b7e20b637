"""A point: the overrides of one trial. Its keys are config paths; only overrides for Hydra have the prefixes + and ++."""

from collections.abc import Mapping


class Point(dict[str, str]):
    """Config path → text in Hydra's grammar: {"optimizer": "sgd", "model.units": "64"}.

    Use `changed` for a changed copy, because other copies of a dict have no prefixes.

    Attributes:
        prefixes: config path → "+" or "++", for keys that conf/ does not list; it may contain keys that the point does not have.
    """

    def __init__(self, texts: Mapping[str, str], prefixes: Mapping[str, str]) -> None:
        super().__init__(texts)
        self.prefixes = prefixes

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> "Point":
        """Makes a point of what `written` returned and a study stored.

        >>> point = Point.read({"optimizer": "sgd", "+optimizer.clipnorm": "1"})
        >>> point, overrides(point)
        ({'optimizer': 'sgd', 'optimizer.clipnorm': '1'}, ['optimizer=sgd', '+optimizer.clipnorm=1'])
        """
        plain = {key: key.lstrip("+") for key in stored}
        prefixes = {plain[key]: key.removesuffix(plain[key]) for key in stored}
        return cls({plain[key]: text for key, text in stored.items()}, prefixes)


def _prefixes(point: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the prefixes of a point; a plain mapping has none."""
    return point.prefixes if isinstance(point, Point) else {}


def changed(point: Mapping[str, str], texts: Mapping[str, str]) -> Point:
    """Returns a point with other texts, and the same prefixes."""
    return Point(texts, _prefixes(point))


def written(point: Mapping[str, str]) -> dict[str, str]:
    """Returns key with its prefix → text, to be stored as JSON."""
    prefixes = _prefixes(point)
    return {f"{prefixes.get(key, '')}{key}": text for key, text in point.items()}


def overrides(point: Mapping[str, str]) -> list[str]:
    """Returns the overrides that compose a trial.

    >>> overrides({"optimizer": "sgd", "model.units": "64"})
    ['optimizer=sgd', 'model.units=64']
    """
    return [f"{key}={text}" for key, text in written(point).items()]
