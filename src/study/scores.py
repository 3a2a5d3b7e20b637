"""The trials of studies, scored at their kept epochs, read from their own files; MLflow is not asked."""

from collections.abc import Iterable, Iterator, Sequence

from src.errors import ConfigError, did_you_mean
from src.leaderboard import Ended, Standing
from src.objective import Objective
from src.study import table
from src.study.find import find
from src.study.store import Store


def gather(sweeps: str, objective: str = "") -> tuple[Standing, list[Store]]:
    """The standing of sweeps, and their studies.

    Args:
        sweeps: `latest`, ids or names, as src/study/find.py takes them.
        objective: ranks instead of the sweep's own.

    Raises:
        ConfigError: no such sweep or metric.
    """
    stores = [Store.open(folder / "study.db") for folder in find(sweeps)]
    return standing(stores, Objective.parse(objective or stores[0].meta()["objective"])), stores


def standing(stores: Sequence[Store], objective: Objective) -> Standing:
    """The standing of studies under an objective, whether it is their own or another metric that they report."""
    examples = int(stores[0].meta().get("validation_examples", 0))
    return Standing.of((trial for store in stores for trial in _ended(store, objective)), objective, examples)


def histories(stores: Sequence[Store]) -> dict[str, dict[str, list[float]]]:
    """Identity of a trial → its metrics per epoch."""
    found: dict[str, dict[str, list[float]]] = {}
    for store in stores:
        identities = {row["number"]: row["active_hash"] for row in store.trials()}
        seen = set(found)
        for number, _, metrics in store.epochs():
            if identities[number] not in seen:
                for name, value in metrics.items():
                    found.setdefault(identities[number], {}).setdefault(name, []).append(value)
    return found


def named_histories(trials: Iterable[Ended], stores: Sequence[Store], keys: list[str]) -> list[tuple[str, dict[str, list[float]]]]:
    """(what distinguishes a trial, its metrics per epoch) of the trials that have any, in their order."""
    known = histories(stores)
    there = [trial for trial in trials if trial.identity in known]
    return [(table.trial_name(trial.point, keys) or f"trial {trial.number + 1}", known[trial.identity]) for trial in there]


def _ended(store: Store, objective: Objective) -> Iterator[Ended]:
    for row, kept, last in store.scored(objective.name):
        if row["score"] is not None and kept is None:
            known = next(store.epochs())[2]
            hint = f"{did_you_mean(objective.name, known)} Metrics: {', '.join(known)}"
            raise ConfigError([f"objective={objective.name}: not reported{hint}"])
        yield Ended(
            number=row["number"],
            point=row["overrides"],
            identity=row["active_hash"],
            run_id=row["run_id"],
            state=row["state"],
            cause=row["cause"] or "",
            score=kept if row["score"] is not None else None,
            kept_epoch=row["kept_epoch"],
            last=last,
            seconds=row["seconds"] or 0.0,
        )
