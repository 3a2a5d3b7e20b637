"""RESULTS_SEARCH.md and its picture, from the searches of tests/benchmarks/search.py."""

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.by_epochs import SPENT

RESULTS = Path(__file__).with_name("RESULTS_SEARCH.md")
PICTURE = RESULTS.with_suffix(".png")
COUNTS = (10, 20, 50, 100)
DRAWS = 2000  # of seeds, with replacement, for an interval
Found = dict[tuple[Any, ...], Any]


def write(found: Found) -> None:
    """Writes both."""
    trials = _grouped(found, "trials", lambda value: [value[0][count - 1] for count in COUNTS])
    epochs = _grouped(found, "epochs", list)
    parts = _grouped(found, "parts", lambda value: [value[0][count - 1] for count in (20, 50)])
    names = dict.fromkeys(name for _, _, name in trials)
    asks = [f"{name} {1000 * np.median([v[1] for k, v in found.items() if k[0] == 'trials' and k[3] == name]):.0f} ms" for name in names]
    RESULTS.write_text(PAGE.format(
        date=time.strftime("%Y-%m-%d"), python=platform.python_version(), budget=COUNTS[-1], asks=", ".join(asks),
        packages=", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "scipy", "optuna", "keras-tuner")),
        trials=_table(["function", "in flight", "search", "seeds"], [f"{count} trials" for count in COUNTS], trials),
        epochs=_table(["networks on", "in flight", "search", "seeds"], [f"{count} epochs" for count in SPENT], epochs),
        parts=_table(["function", "in flight", "without", "seeds"], ["20 trials", "50 trials"], parts),
    ))  # fmt: skip
    _draw(found)


def _grouped(found: Found, kind: str, pick: Any) -> dict[tuple[str, int, str], np.ndarray]:
    """Function, in flight and search → regrets (seeds, counts)."""
    groups: dict[tuple[str, int, str], list[Any]] = {}
    for (own, function, in_flight, name, _), value in found.items():
        if own == kind:
            groups.setdefault((function, in_flight, name), []).append(pick(value))
    return {key: np.array(rows, dtype=float) for key, rows in groups.items()}


def _table(head: list[str], columns: list[str], groups: dict[tuple[str, int, str], np.ndarray]) -> str:
    rows = [" | ".join([*map(str, key), str(len(regrets)), *_cells(regrets)]) for key, regrets in groups.items()]
    return "\n".join(f"| {row} |" for row in (" | ".join([*head, *columns]), "|".join(["---"] * (len(head) + len(columns))), *rows))


def _cells(regrets: np.ndarray) -> list[str]:
    """For each count the median with its bootstrap interval; inf before a trial has ended."""
    drawn = np.random.default_rng(0).integers(len(regrets), size=(DRAWS, len(regrets)))
    low, high = np.percentile(np.median(regrets[drawn], axis=1), [2.5, 97.5], axis=0, method="nearest")
    return [f"{m:.2g} ({a:.2g} … {b:.2g})" for m, a, b in zip(np.median(regrets, axis=0), low, high, strict=True)]


def _draw(found: Found) -> None:
    """Medians by trials, one picture for each function and number in flight."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    groups = _grouped(found, "trials", lambda value: value[0])
    functions, flights = (list(dict.fromkeys(key[place] for key in groups)) for place in (0, 1))
    figure, axes = plt.subplots(
        len(flights), len(functions), figsize=(2.2 * len(functions), 1.8 * len(flights)), sharex=True, squeeze=False
    )
    for (function, in_flight, name), regrets in groups.items():
        axis = axes[flights.index(in_flight), functions.index(function)]
        axis.semilogy(range(1, regrets.shape[1] + 1), np.median(regrets, axis=0), label=name, linewidth=1)
        axis.set_title(f"{function}, {in_flight} in flight", fontsize=7)
        axis.tick_params(labelsize=6)
    axes[0, 0].legend(fontsize=6)
    figure.supxlabel("trials", fontsize=8)
    figure.supylabel("median regret", fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=80)


PAGE = """# The search, measured

`make bench-search` on {date}: Python {python}, {packages}; budget {budget}.
Simple regret, less is better: the median and, in brackets, its 95 % interval by the bootstrap over seeds. Of noisy scores the best counts,
with its regret without noise. An ask takes, on average over a search, so much of one core: {asks}.

![median regret by trials](RESULTS_SEARCH.png)

{trials}

## By epochs

The validation loss of networks on digits: SGD or RMSprop with or without momentum, or Adam; learning rate and units lie between those of
the 300 in `curves.npz`, each trained for 27 epochs. The best trial so far counts, whatever its epochs; before one has ended
the regret is inf.

{epochs}

## What each part contributes

The regret of `bayesian` with eight in flight, budget 50, and one part left out; beside `none` is the whole.

{parts}
"""
