"""Runs commands in forks of a process that has already imported what takes seconds to import: `python -m tests.warm`.

A request is a line of JSON on stdin, the answer the exit code on stdout. Else a command behaves as in a process of its own.
"""

import atexit
import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def import_all() -> None:
    """Everything heavy that a verb may import."""
    from src.training import runtime

    runtime.tensorflow()
    for module in ("keras_tuner", "sklearn.model_selection", "sklearn.linear_model", "src.running.run", "src.running.ending"):
        __import__(module)
    for module in ("src.promotion.challenge", "src.results.reproduction", "src.tracking.upkeep"):
        __import__(module)
    for module in ("src.training.compiled", "src.tracking.tracker", "src.plots.classes", "mlflow.store.tracking.sqlalchemy_store"):
        __import__(module)
    sys.modules["src.running.run"].choose_executor = lambda *_: None  # type: ignore[attr-defined]  # workers would import all once more


def run(arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str) -> int:
    """Runs `python -m <arguments>` in this process; its exit code."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, file in ((0, os.devnull), (1, out), (2, err)):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    if added := environment.get("TRIALBOOK_ADDED"):
        add(Path(added))
    sys.argv, sys.orig_argv = arguments, [sys.executable, "-m", *arguments]
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def add(folder: Path) -> None:
    """Adds the files that a newcomer added: those of `src/` in a folder, and all of its conf/ in place of ours."""
    for package in (folder / "src").iterdir():
        module = importlib.import_module(f"src.{package.name}")
        module.__path__.append(str(package))
    rules = sys.modules["src.config.rules"]
    for file in (folder / "src").glob("training/*.py"):
        rules.ENGINES[file.stem] = file.stem  # type: ignore[attr-defined]
        rules.REPORTING.append(file.stem)  # type: ignore[attr-defined]
    for name in ("src.config.command_line", "src.config.help"):
        sys.modules[name].CONF = folder / "conf"  # type: ignore[attr-defined]


def main() -> None:
    """Serves until stdin ends."""
    import_all()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if pid := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
            continue
        code = run(**request)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
