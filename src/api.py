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
        id: by which the other verbs find it: python -m src.promote sweep=ID
    """

    id: str
    standing: Standing
    _stores: list[Store]

    @property
    def table(self) -> "pd.DataFrame":
        """The leaderboard: a row per configuration, best first, repeated seeds as one row."""
        import pandas as pd

        return pd.DataFrame(table.ranked(self.standing))

    @property
    def trials(self) -> "pd.DataFrame":
        """A row per trial, those of the best configuration first, with the id of its MLflow run."""
        import pandas as pd

        return pd.DataFrame(table.by_trial(self.standing)).set_index("trial")

    def curves(self) -> "Figure":
        """The validation curves of all trials, each metric in its own axes."""
        return curves.overview(labelled_histories(self.standing.trials, self._stores, self.standing))

    def model(self) -> "keras.Model":
        """The best trial's Keras model with the weights of its kept epoch, which are verified by their SHA-256.

        Raises:
            TrialbookError: no trial has a score, or its weights are not those that were recorded.
        """
        from src.promotion.candidate import rebuild
        from src.tracking.runs import Runs

        if not self.standing.best or not self.standing.best.run_id:
            raise TrialbookError(f"sweep {self.id} has no finished trial; expected at least one.")
        with conf_loader() as loader:
            uri = destination.uri_of(self._stores[0].meta(), tracking_uri(loader))
            return rebuild(Runs(uri).read(self.standing.best.run_id), loader).model


def sweep(*words: str) -> Sweep:
    """Runs `python -m src.sweep -m …` in a process of its own and shows its progress here.

    Args:
        words: as on the command line, "optimizer=sgd,adam".

    Raises:
        TrialbookError: nothing was started, with every mistake.
    """
    lines: list[str] = []

    def tell(line: str) -> None:
        print(line, end="", flush=True)  # noqa: T201  the cell's output
        lines.append(line)

    found = result.run(["-m", *words], {}, tell)
    if not found:
        raise TrialbookError("".join(lines).strip() or "python -m src.sweep ended without a word.")
    return load(found.id)


def load(sweep: str = "latest") -> Sweep:
    """A sweep that ended earlier, by its id, the name of its question, or `latest`.

    Raises:
        ConfigError: no such sweep.
    """
    standing, stores = load_standing(sweep)
    return Sweep(stores[0].meta()["sweep_id"], standing, stores)
