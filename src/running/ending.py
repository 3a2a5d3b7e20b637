"""Ends a sweep: ends its run in MLflow, and prints the tables and the next commands."""

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

from src import exits, files
from src.config.paths import trial_config
from src.executors import Function
from src.job import CHECKPOINT
from src.report import REPORT, report_of
from src.report.answer import next_steps
from src.report.champion import champion
from src.results import table
from src.results.conclusions import conclusions
from src.results.leaderboard import Standing, TrialResult
from src.results.published import compare_with_published
from src.results.scores import labelled_histories, standing_of
from src.results.table import Row
from src.running import mlflow_page, pictures, record
from src.running.driver import SweepOutcome
from src.running.opening import OpenSweep
from src.running.recorder import BEST
from src.space import overrides
from src.states import ENDED, SCORED, TrialState
from src.study import labels, result
from src.study.messages import Message
from src.terminal import seconds_text

MOST_SHOWN = 20  # rows of the table on the terminal


class Ending:
    """Records and prints how a sweep or a single trial ended."""

    def __init__(self, sweep: OpenSweep, outcome: SweepOutcome) -> None:
        self._sweep, self._outcome = sweep, outcome
        self._invocation, self._recorder, self._terminal = sweep.invocation, sweep.recorder, sweep.terminal
        self._store, self._outbox = sweep.recorder.store, sweep.recorder.outbox
        self._reported = False

    def finish(self) -> int:
        """Records the end, prints the tables and the next commands, and tidies up; returns the exit code."""
        self._terminal.rest()
        labels.settle(self._store.meta(), self._invocation.config)
        self._outbox.flush()
        attach_pictures = self._pictures_of_best()
        if self._invocation.single:
            if self._standing.trials:  # empty if a signal came before the trial started
                self._recorder.attach(0, self._files_to_repeat())
            attach_pictures()
        else:
            self._record_parent(attach_pictures)
        left, refused = self._outbox.flush(), self._store.refusals()
        if self._invocation.single and (left or refused):
            self._store.keep(self._invocation.folder / "study.db")
        code = self._outcome.code
        if not code and (refused or any(trial.state == TrialState.FAILED for trial in self._standing.trials)):
            code = exits.FAILED
        result.write(self._invocation.folder, code, self._best.run_id if self._best else None)
        self._sweep.notifier.ended(self._invocation.name, self._standing, self._best, code)
        self._print_tables()
        self._print_causes(refused)
        self._print_commands(left)
        if not self._outcome.code:
            self._tidy()
        return code

    @cached_property
    def _standing(self) -> Standing:
        return standing_of([self._store], self._invocation.objective, self._invocation.second)

    @property
    def _best(self) -> TrialResult | None:
        """The best trial of the configuration that the oracle concludes, otherwise of the table; None if it has no score."""
        concluded = self._sweep.oracle.conclusion()
        return self._standing.best_among(concluded.trials if concluded else ()) or self._standing.best

    @cached_property
    def _published(self) -> list[Row]:
        reported = self._invocation.reported
        return compare_with_published(self._invocation.space, reported, self._store.trials()) if reported else []

    def _record_parent(self, attach_pictures: Callable[[], tuple[dict[str, bytes], dict[str, str]]]) -> None:
        """Ends the parent run with metrics, tables, pictures and the files that repeat the sweep."""
        standing = self._standing
        scored = [trial for trial in standing.trials if trial.score is not None]
        make_curves = self._elsewhere(pictures.of_sweep, lambda: (labelled_histories(scored, [self._store], standing),))
        of_best, attached = attach_pictures()
        report = pictures.try_to_make("report", lambda: self._report(of_best))
        curves = pictures.try_to_make("picture of the curves", make_curves)
        kept = {"table.csv": table.as_csv(table.by_trial(standing)), **self._files_to_repeat(), **curves, **report}
        if self._published:
            kept["reported.csv"] = table.as_csv(self._published)
        parent = self._store.run_id(None)
        owners = [(name, parent) for name in curves] + list(attached.items())
        shown = [mlflow_page.picture(name, run_id) for name, run_id in owners]
        tags = {f"trialbook.{name}": value for name, value in self._recorder.facts.items()}
        parts = record.page_parts(self._invocation, *mlflow_page.tables(standing, self._conclusions, self._published), pictures=shown)
        tags["mlflow.note.content"] = labels.page_text(parts, self._invocation.labels.note)
        state = TrialState.KILLED if self._outcome.code else TrialState.FINISHED
        if concluded := self._sweep.oracle.conclusion():
            self._store.describe(conclusion=self._concluded, concluded_trials=concluded.trials)
        data = str(self._invocation.config.hydra.runtime.choices.data)
        end = record.end_message(state, self._metrics(), tags, self._outbox.keep(None, kept), data=data)
        self._store.describe(Message(None, "end", end), page=parts)
        self._outbox.posted()

    def _metrics(self) -> dict[str, float]:
        """Returns the metrics of the parent run: the number of trials in each state, and scores.

        `kept/<objective>` is the mean of the best configuration, `best/<objective>` the score of its best trial. For a second objective,
        `kept/` is the mean of the configuration that is best in that.
        """
        standing, name = self._standing, self._invocation.objective.name
        counts = Counter(trial.state for trial in standing.trials)
        always = (TrialState.FINISHED, TrialState.FAILED)  # logged even if they are 0
        metrics = {f"trials/{state.lower()}": float(counts[state]) for state in ENDED if counts[state] or state in always}
        if standing.best and standing.best.score is not None:
            metrics |= {f"kept/{name}": standing.entries[0].mean, f"best/{name}": standing.best.score}
        second = standing.second
        if second and (found := [one.second for one in standing.groups[0].entries if one.second is not None]):
            metrics[f"kept/{second.name}"] = min(found, key=second.key)
        return metrics

    @property
    def _conclusions(self) -> list[str]:
        """The oracle's conclusion, which includes its own looks at the scores; without one, those from the table."""
        return [self._concluded] if self._concluded else conclusions(self._standing)

    @cached_property
    def _concluded(self) -> str:
        """The oracle's conclusion, and the time that the trials took; empty if the oracle concludes nothing."""
        concluded = self._sweep.oracle.conclusion()
        seconds = sum(trial.seconds or 0.0 for trial in self._standing.trials)
        return f"{concluded.text} They took {seconds_text(seconds)}." if concluded else ""

    def _files_to_repeat(self) -> dict[str, bytes]:
        """Returns the files that are needed, besides the commit, to repeat this invocation."""
        folder = self._invocation.folder
        names = ("code.patch", "packages.txt", "multirun.yaml", *(file.name for file in folder.glob("code-*.patch")))
        return {name: (folder / name).read_bytes() for name in names}

    def _report(self, of_best: dict[str, bytes]) -> dict[str, bytes]:
        """Writes and returns the report; `of_best` are the pictures of the best trial."""
        uri = self._invocation.config.tracking.uri
        known = None if self._outbox.outage else champion(self._store.meta(), self._standing, uri)
        report = report_of(self._standing, [self._store], self._invocation.question, champion=known, pictures=of_best)
        files.write(self._invocation.folder / REPORT, report)
        self._reported = True
        return {REPORT: report}

    def _pictures_of_best(self) -> Callable[[], tuple[dict[str, bytes], dict[str, str]]]:
        """Starts drawing the pictures of the best trial in a process that runs trials.

        Returns:
            A function that waits for the pictures, adds them to the trial's run, and returns them and their names → the run.
        """
        file = None if self._outcome.code else next(self._invocation.folder.glob(BEST.format("*")), None)
        if not file:
            return lambda: ({}, {})
        number = int(file.name.split("-")[1].split(".")[0])
        row = next(row for row in self._store.trials() if row.number == number)
        config = trial_config(self._sweep.compose(overrides(row.point)))
        draw = self._elsewhere(pictures.of_best, lambda: (config, file.read_bytes()))

        def attach() -> tuple[dict[str, bytes], dict[str, str]]:
            found = pictures.try_to_make("pictures of the best trial", draw)
            self._recorder.attach(number, found)
            return found, dict.fromkeys(found, str(row.run_id))

        return attach

    def _elsewhere(self, function: Function, arguments: Callable[[], tuple[Any, ...]]) -> Callable[[], Any]:
        """Starts a function in a process that runs trials; returns a function that waits for the result.

        After an interruption, the function runs here, when its result is wanted; only then are its arguments made.
        """
        if self._outcome.code:
            return lambda: function(*arguments())
        try:
            return self._sweep.executor.apply(function, *arguments())
        except Exception as error:
            failure = error

            def fail() -> None:  # called in `pictures.try_to_make`, which logs the error
                raise failure

            return fail

    def _print_tables(self) -> None:
        exact = table.ranked(self._standing)
        rows = table.for_people(exact)
        compare = f"{self._invocation.prefix}python -m src.compare sweep={self._invocation.folder.name}"
        self._terminal.table(self._invocation.question or self._invocation.name, rows[:MOST_SHOWN], compare, exact)
        if len(rows) > MOST_SHOWN:
            self._terminal.command(compare, f"shows {len(rows) - MOST_SHOWN} more")
        for cause, count in self._standing.causes.most_common():
            self._terminal.say(f"{count} x {cause}")
        for line in self._conclusions:
            self._terminal.say(line)
        if self._published:
            self._terminal.table("reported and obtained", mlflow_page.as_texts(self._published))

    def _print_causes(self, refused: list[str]) -> None:
        folder = self._invocation.folder
        if self._outcome.code:
            finished = sum(trial.state in SCORED for trial in self._standing.trials)
            self._terminal.say(f"interrupted by {self._sweep.interruption.name}: {finished} finished trials are kept in {folder}")
        elif self._outcome.rule:
            self._terminal.say(f"stopped by {self._outcome.rule}")
        if refused:
            self._terminal.say(f"MLflow refused {len(refused)} records; the first: {refused[0]}")
            self._terminal.say(f"they are kept in {folder}: mend the cause, then {self._invocation.prefix}python -m src.doctor --fix")

    def _print_commands(self, left: int) -> None:
        """Prints the next commands; `left` is the number of records that MLflow does not have."""
        invocation, say, command = self._invocation, self._terminal.say, self._terminal.command
        if left:
            say(f"MLflow does not answer; {left} records wait in {invocation.folder}: {self._outbox.outage}")
        if invocation.single and left:
            say("\nGo on:")
            command(f"{invocation.prefix}python -m src.doctor --fix")
        elif not invocation.single and (self._outcome.code or left):
            say("\nGo on:")
            command(invocation.command_to_resume)
        run_ids = [row.run_id for row in self._store.trials() if row.run_id]
        say("\nNext:")
        command(f"{invocation.prefix}make ui", "then open:")
        command(self._sweep.tracker.link(invocation.folder.name, run_ids, invocation.objective))
        if self._reported:
            command(f"open {invocation.folder / REPORT}", "every trial, in a browser" if self._best else "what failed")
        if self._best and not invocation.single:
            is_race = invocation.oracle["name"] == "race"
            steps = next_steps(self._standing, self._best, invocation.folder.name, invocation.prefix, is_race=is_race)
            for description, line in steps:
                command(line, description)

    def _tidy(self) -> None:
        """Removes the files that only an unfinished sweep needs. The best trial keeps its checkpoint, for `go_on=true`."""
        for file in self._invocation.folder.glob(BEST.format("*")):
            file.unlink()
        best = self._best
        for trial in self._standing.trials:
            if not best or trial.number != best.number:
                (self._outbox.folder_of(trial.number) / CHECKPOINT).unlink(missing_ok=True)
