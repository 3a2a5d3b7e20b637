"""Imports a KerasTuner script, or old results of KerasTuner or Optuna.

python -m src.adopt FILE.py:NAME [name=…] [replace=true]                 a KerasTuner script: NAME is its function or HyperModel
python -m src.adopt results=my_dir/my_project sweeps=x                   old results: a project folder of KerasTuner
python -m src.adopt results=sqlite:///optuna.db study=mine sweeps=x      old results: an Optuna storage in an SQLite file

FILE.py is executed in this process up to its search; no trial runs, and the file is not changed. Its model becomes an option of
conf/model/, its search a file of sweeps/. Old results become the trials of a new study; all other words are those of a sweep.
"""

import keyword
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from src import files
from src.config.arguments import HELP, read_arguments, split
from src.config.command_line import conf_loader
from src.errors import ConfigError, TrialbookError
from src.exits import exit_on_error
from src.terminal import agreed

WORDS = ("keras", "null", "true", "false", "yes", "no", "on", "off")  # an engine, and words of YAML that are no text


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command for a script; `name` names the written files."""

    script: str
    name: str = ""
    replace: bool = False


@dataclass(frozen=True)
class OldResults:
    """The arguments of the command for old results; `study` names one of several Optuna studies."""

    results: str
    study: str = ""


def main() -> int:
    """Adopts a script or old results; returns the exit code."""
    words = sys.argv[1:]
    if not words or HELP & set(words):
        print(__doc__)  # noqa: T201
        return 0
    with exit_on_error():
        if any(word.startswith("results=") for word in words):
            return _old_results(words)
        first, *others = words
        arguments = read_arguments(Arguments, [first if "=" in first else f"script={first}", *others])
        from src.training import runtime

        with runtime.quiet():
            from src.adopting.adoption import adopt
            from src.adopting.modules import name_of
        name = arguments.name or name_of(arguments.script)
        if not name.isidentifier() or keyword.iskeyword(name) or name.lower() in WORDS:
            raise ConfigError([f"name={name}: expected a Python name that is no word of YAML, and not the engine {WORDS[0]}."])
        print(f"{arguments.script} is run up to its search …")  # noqa: T201
        adoption = adopt(arguments.script, name)
        lines = ["", *adoption.found, "", *_write(adoption.files, replace=arguments.replace)]
        if adoption.left_out:
            lines += ["", "left out, because a sweep cannot express it:", *(f"  {line}" for line in adoption.left_out)]
        print("\n".join(lines))  # noqa: T201
        _check(name)
        print(f"\nNext:\n  python -m src.sweep sweeps={name} dry_run=true\n  python -m src.sweep sweeps={name}")  # noqa: T201
    return 0


def _old_results(words: list[str]) -> int:
    from src.adopting.study import adopt  # imports numpy, which --help does not need

    own, others = split(OldResults, words)
    arguments = read_arguments(OldResults, own)
    with conf_loader() as loader:
        return adopt(loader, arguments.results, arguments.study, others)


def _check(name: str) -> None:
    """Prints what the sweep would run; raises a TrialbookError if it has mistakes. A new process plans it, as it reads the new files."""
    command = [sys.executable, "-m", "src.sweep", f"sweeps={name}", "dry_run=true"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    if ended.returncode:
        raise TrialbookError(f"the files are written, and the sweep has mistakes:\n{ended.stderr or ended.stdout}".rstrip())
    print("\n" + "\n".join(ended.stdout.splitlines()[-3:-1]))  # noqa: T201


def _write(contents: dict[Path, bytes], *, replace: bool) -> list[str]:
    """Writes files and returns a line for each; raises a ConfigError, and writes nothing, if a different file may not be replaced."""
    different = {path: os.path.relpath(path) for path, content in contents.items() if path.exists() and path.read_bytes() != content}
    foreign = [name for path, name in different.items() if path.suffix != ".npz" and b"python -m src.adopt " not in path.read_bytes()]
    if foreign:
        raise ConfigError(f"{name} is there, and this command has not written it; expected name=… of other files" for name in foreign)
    if different and not replace and not agreed(f"replace {', '.join(different.values())}?"):
        raise ConfigError(f"{name} is there with other content; expected replace=true, or another name=…" for name in different.values())
    lines = []
    for path, content in contents.items():
        state = "unchanged"
        if path in different or not path.exists():
            state = "replaced" if path in different else "written"
            files.write(path, content)
        lines.append(f"{state:>9}  {os.path.relpath(path)}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
