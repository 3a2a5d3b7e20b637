"""Published figures of a sweep's explicit trials, against what was obtained."""

from collections.abc import Iterable
from dataclasses import replace
from statistics import mean
from typing import Any

from src.space import Space

Row = dict[str, Any]


def compared(space: Space, published: list[dict[str, float]], trials: Iterable[dict[str, Any]]) -> list[Row]:
    """Reported, obtained and difference, for every published metric; obtained is the mean where seeds repeat a trial.

    Args:
        space: the explicit trials in `space.trials`.
        published: metric → value, for each explicit trial in turn.
        trials: the rows of the study.

    Returns:
        Nothing where the command line changed more than seeds: the figures would not be comparable.
    """
    if space.fixed or any(axis.key != "seed" for axis in space.axes):
        return []
    metrics = {tuple(sorted(trial["overrides"].items())): trial["metrics"] for trial in trials}
    rows: list[Row] = []
    for explicit, figures in zip(space.trials, published, strict=True):
        points = replace(space, trials=(explicit,)).points()
        found = [metrics[key] for point in points if (key := tuple(sorted(point.items()))) in metrics]
        for name, value in figures.items():
            values = [obtained[key] for obtained in found for key in (f"kept/{name}", name) if key in obtained]
            rows.append(
                {
                    "trial": " ".join(one.override(one.texts[0]) for one in explicit),
                    "metric": name,
                    "reported": value,
                    "obtained": mean(values) if values else None,
                    "difference": f"{mean(values) - value:+.4f}" if values else None,
                    "seeds": len(values),
                }
            )
    return rows
