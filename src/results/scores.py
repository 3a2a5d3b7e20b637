"""Reads the results of trials from the files of their studies; MLflow is not needed."""

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
        objective: one or two, by which trials are ranked; if empty, those of the first sweep, or of all sweeps those of the latest.

    Raises:
        ConfigError: no such sweep or metric.
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
    """Returns True if the trials of a study may be ranked by an objective."""
    first = next(store.epochs(), (0, 0, dict[str, float]()))[2]
    return objective.name in first or Objective.parse(store.meta()["objective"]).name == objective.name


def standing_of(stores: Sequence[Store], objective: Objective, second: Objective | None = None) -> Standing:
    """Returns the standing of studies under their objective, or under another metric that they report.

    Args:
        second: the other one of two objectives; trials need not have it.
    """
    examples = int(stores[0].meta().get("validation_examples", 0))
    return Standing.of((trial for store in stores for trial in _results(store, objective, second)), objective, examples, second)


def histories(trials: Iterable[TrialResult], stores: Sequence[Store]) -> dict[str, dict[str, list[float]]]:
    """Key of a trial → its metrics per epoch. A lone later epoch, which is all that some old results have, is no curve."""
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
    return {key: history for key, history in by_key.items() if (first[key], last[key]) == (1, 1) or first[key] < last[key]}


def labelled_histories(trials: Iterable[TrialResult], stores: Sequence[Store], found: Standing) -> list[tuple[str, dict[str, list[float]]]]:
    """(name, metrics per epoch) of each trial that has metrics, in the order of `trials`.

    Args:
        found: the standing from whose other trials the names distinguish a trial.
    """
    ordered = list(trials)
    by_key = histories(ordered, stores)
    return [(table.name_of(found, trial), by_key[trial.key]) for trial in ordered if trial.key in by_key]


def _results(store: Store, objective: Objective, second: Objective | None) -> Iterator[TrialResult]:
    """Yields the results of one study.

    Raises:
        ConfigError: the trials do not report the objective.
    """
    meta, identify = store.meta(), Identifier(store)
    sweep, of_the_study = meta.get("sweep_id", ""), objective.name == Objective.parse(meta["objective"]).name
    rows = list(store.scored(objective.name))
    by_number = {row.number: row for row, _, _ in rows}
    for row, at_kept_epoch, last in rows:
        kept = row.score if of_the_study else at_kept_epoch  # what a function returns need be none of the steps that it reports
        kept = objective.measured(row.metrics) if kept is None else kept  # logged once
        if row.score is not None and kept is None:
            raise _not_reported(objective, store)
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
            seconds=row.seconds,
            sweep=sweep,
            configuration=configuration,
            recorded=values,
            origin=identify.origin(row, recorded=bool(configuration)),
            rung=row.rung_epochs,
            before=_seconds_before(row, by_number),
            epochs=row.epochs,
            second=second.measured(row.metrics) if second and row.score is not None else None,
        )


def _not_reported(objective: Objective, store: Store) -> ConfigError:
    once = (name.removeprefix("kept/") for row in store.trials() for name in row.metrics)
    known = list(dict.fromkeys([*next(store.epochs(), (0, 0, dict[str, float]()))[2], *once]))
    return ConfigError([f"objective={objective.name}: not reported{did_you_mean(objective.name, known)} Metrics: {', '.join(known)}"])


def _seconds_before(row: TrialRow, by_number: dict[int, TrialRow]) -> float:
    """Returns the seconds of the trainings that a trial continues."""
    seconds, parent = 0.0, row.parent
    while parent is not None:
        seconds += by_number[parent].seconds or 0.0
        parent = by_number[parent].parent
    return seconds
