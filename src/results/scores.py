"""The trials of studies, scored at their kept epochs, read from their own files; MLflow is not asked."""

from collections.abc import Iterable, Iterator, Sequence

from src.errors import ConfigError, did_you_mean
from src.objective import Objective
from src.results import table
from src.results.identity import Identifier
from src.results.leaderboard import Standing, TrialResult
from src.study.finding import find_sweeps
from src.study.store import Store


def load_standing(sweeps: str, objective: str = "") -> tuple[Standing, list[Store]]:
    """The standing of sweeps, and their studies.

    Args:
        sweeps: `latest`, ids or names, as src/study/finding.py takes them.
        objective: ranks instead of the sweep's own.

    Raises:
        ConfigError: no such sweep or metric.
    """
    stores = [Store.open(folder / "study.db") for folder in find_sweeps(sweeps)]
    return standing_of(stores, Objective.parse(objective or stores[0].meta()["objective"])), stores


def standing_of(stores: Sequence[Store], objective: Objective) -> Standing:
    """The standing of studies under an objective, whether it is their own or another metric that they report."""
    examples = int(stores[0].meta().get("validation_examples", 0))
    return Standing.of((trial for store in stores for trial in _ended(store, objective)), objective, examples)


def histories(trials: Iterable[TrialResult], stores: Sequence[Store]) -> dict[str, dict[str, list[float]]]:
    """Key of a trial → its metrics per epoch."""
    wanted = {(trial.sweep, trial.number): trial.key for trial in trials}
    found: dict[str, dict[str, list[float]]] = {}
    for store in stores:
        sweep = store.meta().get("sweep_id", "")
        for number, _, metrics in store.epochs():
            if key := wanted.get((sweep, number)):
                for name, value in metrics.items():
                    found.setdefault(key, {}).setdefault(name, []).append(value)
    return found


def labelled_histories(trials: Iterable[TrialResult], stores: Sequence[Store], found: Standing) -> list[tuple[str, dict[str, list[float]]]]:
    """(what tells a trial from the others of a standing, its metrics per epoch) of the trials that have any, in their order."""
    own = list(trials)
    known = histories(own, stores)
    return [(table.name_of(found, trial), known[trial.key]) for trial in own if trial.key in known]


def _ended(store: Store, objective: Objective) -> Iterator[TrialResult]:
    sweep, identify = store.meta().get("sweep_id", ""), Identifier(store)
    for row, kept, last in store.scored(objective.name):
        if row.score is not None and kept is None:
            known = next(store.epochs())[2]
            hint = f"{did_you_mean(objective.name, known)} Metrics: {', '.join(known)}"
            raise ConfigError([f"objective={objective.name}: not reported{hint}"])
        identity, configuration, values = identify.configuration(row)
        yield TrialResult(
            number=row.number,
            point=row.point,
            identity=identity,
            run_id=row.run_id,
            state=row.state,
            cause=row.cause or "",
            score=kept if row.score is not None else None,
            kept_epoch=row.kept_epoch,
            last=last,
            seconds=row.seconds or 0.0,
            sweep=sweep,
            configuration=configuration,
            recorded=values,
            origin=identify.origin(row, recorded=bool(configuration)),
        )
