"""Reads the results of trials from their studies, without MLflow."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from src.errors import ConfigError, did_you_mean
from src.objective import Objective, of_study, parse_both
from src.results import table
from src.results.identity import Identifier
from src.results.leaderboard import Standing, TrialResult
from src.study.finding import ALL, find_sweeps
from src.study.schema import TrialRow
from src.study.store import Store

log = logging.getLogger(__name__)


def load_standing(sweeps: str, objective: str = "") -> tuple[Standing, list[Store]]:
    """Reads the standing of sweeps, and opens their studies.

    Args:
        sweeps: `latest`, `all`, ids or names, as src/study/finding.py takes them.
        objective: one or two objectives to rank by; if empty, those of the first sweep or, for `all`, of the latest one.

    Raises:
        ConfigError: there is no such sweep or metric.
    """
    stores = [Store.open(folder / "study.db") for folder in find_sweeps(sweeps)]
    wanted, second = parse_both(objective) if objective else of_study(stores[-1 if sweeps == ALL else 0].meta())
    if sweeps == ALL and (others := [store for store in stores if not _reports(store, wanted)]):
        log.warning("%d of %d sweeps do not report %s and are left out", len(others), len(stores), wanted.name)
        stores = [store for store in stores if store not in others] or stores
    standing = standing_of(stores, wanted, second)
    if objective and second and not any(entry.second is not None for entry in standing.entries):
        raise _not_reported(second, stores[0])
    return standing, stores


def _reports(store: Store, objective: Objective) -> bool:
    return objective.name in _metrics_of_first_epoch(store) or Objective.parse(store.meta()["objective"]).name == objective.name


def _metrics_of_first_epoch(store: Store) -> dict[str, float]:
    return next((metrics for _, _, metrics in store.epochs()), {})


def standing_of(stores: Sequence[Store], objective: Objective, second: Objective | None = None) -> Standing:
    """Returns the standing of studies by their objective, or by another metric that they report. Trials may lack the second one."""
    examples = int(stores[0].meta().get("validation_examples", 0))
    return Standing.of((trial for store in stores for trial in _results(store, objective, second)), objective, examples, second)


def histories(trials: Iterable[TrialResult], stores: Sequence[Store]) -> dict[str, dict[str, list[float]]]:
    """Returns key of a trial → its metrics per epoch, without trials of which a study has only one epoch after the first."""
    keys = {(trial.sweep, trial.number): trial.key for trial in trials}
    by_key: dict[str, dict[str, list[float]]] = {}
    first, last = dict[str, int](), dict[str, int]()
    for store in stores:
        sweep = store.meta().get("sweep_id", "")
        for number, epoch, metrics in store.epochs():
            key = keys.get((sweep, number))
            if key:
                first.setdefault(key, epoch)
                last[key] = epoch
                for name, value in metrics.items():
                    by_key.setdefault(key, {}).setdefault(name, []).append(value)
    return {key: history for key, history in by_key.items() if first[key] == last[key] == 1 or first[key] < last[key]}


def labelled_histories(
    trials: Iterable[TrialResult], stores: Sequence[Store], standing: Standing
) -> list[tuple[str, dict[str, list[float]]]]:
    """Returns (name in the standing, metrics per epoch) of each trial that has metrics, in the order of `trials`."""
    ordered = list(trials)
    by_key = histories(ordered, stores)
    return [(table.name_of(standing, trial), by_key[trial.key]) for trial in ordered if trial.key in by_key]


def _results(store: Store, objective: Objective, second: Objective | None) -> Iterator[TrialResult]:
    """Yields the results of one study.

    Raises:
        ConfigError: the trials do not report the objective.
    """
    meta, identifier = store.meta(), Identifier(store)
    is_own_objective = objective.name == Objective.parse(meta["objective"]).name
    rows = list(store.scored(objective.name))
    by_number = {row.number: row for row, _, _ in rows}
    for row, at_kept_epoch, last in rows:
        kept = row.score if is_own_objective else at_kept_epoch  # the score that a function returns may differ from all its steps
        if kept is None:
            kept = objective.measured(row.metrics)  # metrics that are logged once
        if row.score is not None and kept is None:
            raise _not_reported(objective, store)
        identity, configuration, values = identifier.configuration(row)
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
            seconds=row.seconds,
            sweep=meta.get("sweep_id", ""),
            configuration=configuration,
            recorded=values,
            origin=identifier.origin(row, recorded=bool(configuration)),
            rung=row.rung_epochs,
            before=_seconds_before(row, by_number),
            epochs=row.epochs,
            second=second.measured(row.metrics) if second and row.score is not None else None,
        )


def _not_reported(objective: Objective, store: Store) -> ConfigError:
    once = (name.removeprefix("kept/") for row in store.trials() for name in row.metrics)
    known = list(dict.fromkeys([*_metrics_of_first_epoch(store), *once]))
    return ConfigError([f"objective={objective.name}: not reported{did_you_mean(objective.name, known)} Metrics: {', '.join(known)}"])


def _seconds_before(row: TrialRow, by_number: dict[int, TrialRow]) -> float:
    seconds, parent = 0.0, row.parent
    while parent is not None:
        seconds += by_number[parent].seconds or 0.0
        parent = by_number[parent].parent
    return seconds
