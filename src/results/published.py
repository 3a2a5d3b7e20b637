"""Published figures of a sweep's explicit trials, against what was obtained."""

from collections.abc import Iterable
from dataclasses import replace
from statistics import mean
from typing import Any

from src.space import Space
from src.space.origin import DIFFERS, NOT_RECORDED, Origin, labels
from src.space.values import canonical, of_texts
from src.study.schema import TrialRow

Row = dict[str, Any]


def compare_with_published(space: Space, published: list[dict[str, float]], trials: Iterable[TrialRow]) -> list[Row]:
    """Reported, obtained and difference, for every published metric; obtained is the mean where seeds repeat a trial.

    What other code obtained, after a sweep went on with it, is a row of its own.

    Args:
        space: the explicit trials in `space.trials`.
        published: metric → value, for each explicit trial in turn.
        trials: the rows of the study.

    Returns:
        Nothing where the command line changed more than seeds: the figures would not be comparable.
    """
    if space.fixed or any(axis.key != "seed" for axis in space.axes):
        return []
    known = {canonical(of_texts(trial.point)): trial for trial in trials if trial.metrics}
    differing = labels({_origin(trial): None for trial in known.values()}, several=False)
    rows: list[Row] = []
    for explicit, figures in zip(space.trials, published, strict=True):
        points = replace(space, trials=(explicit,)).points()
        found = [known[key] for point in points if (key := canonical(of_texts(point))) in known]
        for origin in dict.fromkeys(map(_origin, found)) or [NOT_RECORDED]:
            own = [trial.metrics for trial in found if _origin(trial) == origin]
            for name, value in figures.items():
                values = [obtained[key] for obtained in own for key in (f"kept/{name}", name) if key in obtained]
                rows.append(
                    {
                        "trial": " ".join(one.override(one.texts[0]) for one in explicit),
                        **({DIFFERS: differing.get(origin, "")} if any(differing.values()) else {}),
                        "metric": name,
                        "reported": value,
                        "obtained": mean(values) if values else None,
                        "difference": f"{mean(values) - value:+.4f}" if values else None,
                        "seeds": len(values),
                    }
                )
    return rows


def _origin(trial: TrialRow) -> Origin:
    return Origin(code=trial.code or "", packages=trial.packages or "")
