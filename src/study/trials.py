"""The part of a study's store that reads its facts and trials."""

import json
from collections.abc import Iterator
from typing import Any

from src.study.database import Database
from src.study.schema import TrialRow


class Trials(Database):
    """The part of a study's store that reads trials."""

    def meta(self) -> dict[str, str]:
        """Returns the facts about the sweep (sweep_id, name, command, space, objective, …) as texts."""
        return dict(self._read("select key, value from meta"))

    def oracle(self) -> dict[str, Any]:
        """Returns the oracle's state when the last trial started or ended."""
        found: dict[str, Any] = json.loads(self._read("select state from oracle")[0][0])
        return found

    def trials(self) -> list[TrialRow]:
        """Returns the rows of all trials, by number."""
        return [TrialRow.of(row) for row in self._read("select * from trial order by number")]

    def scored(self, metric: str) -> Iterator[tuple[TrialRow, float | None, float | None]]:
        """Yields each trial with the values of a metric at its kept epoch and at its last epoch; None where there is no value."""
        path = f'$."{metric}"'
        rows = self._read(
            "select trial.*, json_extract(kept.metrics, ?) as at_kept, json_extract(last.metrics, ?) as at_last from trial"
            " left join epoch kept on kept.number = trial.number and kept.epoch = trial.kept_epoch"
            " left join epoch last on last.number = trial.number and last.epoch = trial.epochs order by trial.number",
            path,
            path,
        )
        for row in map(dict, rows):
            kept, last = row.pop("at_kept"), row.pop("at_last")
            yield TrialRow.of(row), kept, last

    def epochs(self, of: int | None = None) -> Iterator[tuple[int, int, dict[str, float]]]:
        """Yields (trial, epoch, metrics) in order, of one trial or of all."""
        where, values = ("", ()) if of is None else (" where number = ?", (of,))
        for number, epoch, metrics in self._read(f"select number, epoch, metrics from epoch{where} order by number, epoch", *values):  # noqa: S608
            yield number, epoch, json.loads(metrics)

    def run_id(self, number: int | None) -> str | None:
        """Returns the id of the MLflow run of a trial, or of the sweep if `number` is None; None if there is no such run yet."""
        if number is None:
            return self.meta().get("parent_run")
        found = self._read("select run_id from trial where number = ?", number)
        return found[0][0] if found else None
