"""Calls the user's command when a trial fails or a sweep ends; neither waits for it nor fails with it."""

import json
import logging
import shlex
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src import files
from src.columns import figure
from src.redaction import all_redacted
from src.results.leaderboard import Standing, TrialResult

log = logging.getLogger(__name__)
MOST_AT_ONCE = 5  # running commands; while there are so many, failures are not notified
FOLDER = "notified"  # in the sweep's folder: a JSON file for each call, and the output of the commands


class Notifier:
    """Calls `command` with the path of a JSON file as its last argument; without a command it does nothing.

    Args:
        about: facts for every file, such as the id of the sweep.
    """

    def __init__(self, command: Sequence[str], folder: Path, /, **about: Any) -> None:
        self._command, self._folder, self._about = list(command), folder / FOLDER, {**about, "folder": str(folder.resolve())}
        self._running: list[subprocess.Popen[bytes]] = []

    def failed(self, number: int, cause: str) -> None:
        """Notifies that a trial failed."""
        text = f"trial {number + 1} failed: {cause}"
        self._call(f"trial-{number:05d}.json", event="trial failed", text=text, trial=number + 1, cause=cause)

    def ended(self, name: str, standing: Standing, best: TrialResult | None, exit_code: int) -> None:
        """Notifies that a sweep or a single trial ended or was interrupted."""
        counts = Counter(trial.state for trial in standing.trials)
        text = f"{name} ended: {', '.join(f'{count} {state}' for state, count in counts.items()) or 'no trial'}"
        facts: dict[str, Any] = {"trials": dict(counts), "objective": str(standing.objective), "best": None}
        if best:
            if best.score is not None:
                text += f"; best {standing.objective.name} {figure(best.score)}"
            overrides = shlex.join(standing.words(best))
            facts["best"] = {"trial": best.number + 1, "run": best.run_id, "score": best.score, "overrides": overrides}
        self._call("ended.json", event="ended", text=text, exit_code=exit_code, **facts)

    def _call(self, name: str, **event: Any) -> None:
        if not self._command:
            return
        self._running = [process for process in self._running if process.poll() is None]
        if len(self._running) >= MOST_AT_ONCE and event["event"] != "ended":
            log.warning("notify: %s calls still run, so there is none for: %s", MOST_AT_ONCE, event["text"])
            return
        file = self._folder / name
        try:
            files.write(file, json.dumps(all_redacted({**self._about, **event}), indent=1, default=str).encode())
            with (self._folder / "output.txt").open("ab") as output:
                started = subprocess.Popen(  # noqa: S603  the user's own command, without a shell
                    [*self._command, str(file.resolve())], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
        except Exception as error:  # a missing program or a full disk must not end the sweep
            log.warning("notify: %s cannot be called: %s", self._command[0], error)
            return
        self._running.append(started)
