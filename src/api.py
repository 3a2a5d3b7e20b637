"""For notebooks:  from src.api import load, sweep

runs = sweep("optimizer=sgd,adam", "training.epochs=5")
runs.table; runs.curves(); runs.model()
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.config.command_line import conf_loader, tracking_uri
from src.errors import TrialbookError
from src.plots import curves
from src.results import table
from src.results.leaderboard import Standing
from src.results.scores import labelled_histories, load_standing
from src.study import destination, result
from src.study.store import Store

if TYPE_CHECKING:
    import keras
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sweep:
    """A sweep that ended.

    Attributes:
        id: for the other commands, such as python -m src.promote sweep=ID
    """

    id: str
    standing: Standing
    _stores: list[Store]

    @property
    def table(self) -> "pd.DataFrame":
        """The leaderboard, best configuration first; repeats share a row."""
        import pandas as pd

        return pd.DataFrame(table.ranked(self.standing))

    @property
    def trials(self) -> "pd.DataFrame":
        """The trials with the ids of their MLflow runs; trials of the best configuration come first."""
        import pandas as pd

        return pd.DataFrame(table.by_trial(self.standing)).set_index("trial")

    def curves(self) -> "Figure":
        """Plots the validation curves of all trials, each metric in its own axes.

        Raises:
            TrialbookError: no trial finished an epoch.
        """
        histories = labelled_histories(self.standing.trials, self._stores, self.standing)
        if not histories:
            raise TrialbookError(f"sweep {self.id} has no curves; expected a trial that ended an epoch.")
        return curves.overview(histories)

    def model(self) -> "keras.Model":
        """Returns the Keras model of the best trial by the first objective, with the weights of its kept epoch, verified by SHA-256.

        Raises:
            TrialbookError: no trial has a score, or the weights differ from the recorded ones.
        """
        from src.promotion.candidate import rebuild
        from src.tracking.runs import Runs

        if not self.standing.best or not self.standing.best.run_id:
            raise TrialbookError(f"sweep {self.id} has no finished trial; expected at least one.")
        with conf_loader() as loader:
            uri = destination.uri_of(self._stores[0].meta(), tracking_uri(loader))
            return rebuild(Runs(uri).read(self.standing.best.run_id), loader).model


def sweep(*words: str) -> Sweep:
    """Runs `python -m src.sweep -m …` in a new process and shows its progress here.

    Args:
        words: overrides as on the command line, such as "optimizer=sgd,adam".

    Raises:
        TrialbookError: nothing was started; the message lists every mistake.
    """
    lines: list[str] = []

    def show(line: str) -> None:
        print(line, end="", flush=True)  # noqa: T201  the cell's output
        lines.append(line)

    outcome = result.run(["-m", *words], {}, show)
    if not outcome:
        raise TrialbookError("".join(lines).strip() or "python -m src.sweep ended without a word.")
    return load(outcome.id)


def load(sweep: str = "latest") -> Sweep:
    """Loads an earlier sweep.

    Args:
        sweep: the id or name of the sweep, or `latest`.

    Raises:
        ConfigError: there is no such sweep.
    """
    standing, stores = load_standing(sweep)
    return Sweep(stores[0].meta()["sweep_id"], standing, stores)
