"""The finished trials of studies, scored at their kept epochs, read from their own files."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from src.errors import ConfigError, did_you_mean
from src.leaderboard import Scored
from src.objective import Objective
from src.study import table
from src.study.find import find
from src.study.store import Store


@dataclass(frozen=True)
class Found:
    """All trials of the sweeps, those with a score apart."""

    objective: Objective
    scored: list[Scored]
    unscored: Counter[str]  # cause → how many
    noise: float  # two standard errors of an accuracy, for entries with one seed


def gather(sweeps: str, objective: str = "") -> Found:
    """Reads the studies' own files; MLflow is not asked.

    Args:
        sweeps: `latest`, ids or names, as src/study/find.py takes them.
        objective: ranks instead of the sweep's own.

    Raises:
        ConfigError: no such sweep or metric.
    """
    stores = [Store.open(folder / "study.db") for folder in find(sweeps)]
    judged = Objective.parse(objective or stores[0].meta()["objective"])
    scored = [trial for store in stores for trial in _scored(store, judged)]
    unscored = [trial for store in stores for trial in store.trials() if trial["score"] is None]
    best = min((trial.score for trial in scored), key=judged.key, default=0.0)
    examples = int(stores[0].meta().get("validation_examples", 0)) if judged.name.endswith("accuracy") else 0
    causes = Counter(f"{trial['state']} {trial['cause'] or ''}".strip() for trial in unscored)
    return Found(judged, scored, causes, table.two_standard_errors(best, examples))


def _scored(store: Store, objective: Objective) -> Iterator[Scored]:
    """The finished trials of one study, scored at their kept epochs."""
    histories: dict[int, list[dict[str, float]]] = {}
    for number, _, metrics in store.epochs():
        histories.setdefault(number, []).append(metrics)
    for trial in store.trials():
        if trial["score"] is None:
            continue
        history, name = histories[trial["number"]], objective.name
        if name not in history[-1]:
            hint = f"{did_you_mean(name, history[-1])} Metrics: {', '.join(history[-1])}"
            raise ConfigError([f"objective={name}: not reported{hint}"])
        kept = history[trial["kept_epoch"] - 1][name]
        yield Scored(trial["number"], trial["overrides"], trial["run_id"], kept, trial["kept_epoch"], history[-1][name], trial["seconds"])
