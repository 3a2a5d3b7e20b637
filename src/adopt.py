"""Brings what you have.

python -m src.adopt FILE.py:NAME [name=…] [replace=true]                 a search of KerasTuner: NAME is its function or HyperModel
python -m src.adopt results=my_dir/my_project sweeps=x                   old results: a project folder of KerasTuner
python -m src.adopt results=sqlite:///optuna.db study=mine sweeps=x      a storage of Optuna's, an SQLite file

FILE.py is run up to its search, in this process; no trial runs. Its model becomes an option of conf/model/, its search a question of
sweeps/. Nothing of the file changes. Old results become the trials of a new study; other words are those of a sweep.
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

WORDS = ("keras", "null", "true", "false", "yes", "no", "on", "off")


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command; `name` is that of the files."""

    script: str
    name: str = ""
    replace: bool = False


@dataclass(frozen=True)
class OldResults:
    """The arguments of the command for old results; `study` names one of several of Optuna's."""

    results: str
    study: str = ""


def main() -> int:
    """Adopts a search, or old results; returns the exit code."""
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
        lines = _write(adoption.files, replace=arguments.replace)
        left_out = ["", "left out, for a sweep cannot say it:", *(f"  {line}" for line in adoption.left_out)] if adoption.left_out else []
        print("\n".join(["", *adoption.found, "", *lines, *left_out]))  # noqa: T201
        _check(name)
        print(f"\nNext:\n  python -m src.sweep sweeps={name} dry_run=true\n  python -m src.sweep sweeps={name}")  # noqa: T201
    return 0


def _old_results(words: list[str]) -> int:
    """Adopts old results; the words that are not its own are those of a sweep."""
    from src.adopting.study import adopt  # numpy, which help does not need

    own, others = split(OldResults, words)
    arguments = read_arguments(OldResults, own)
    with conf_loader() as loader:
        return adopt(loader, arguments.results, arguments.study, others)


def _check(name: str) -> None:
    """Shows in a line or two what the sweep would run, in a process that sees the new files.

    Raises:
        TrialbookError: it has mistakes.
    """
    command = [sys.executable, "-m", "src.sweep", f"sweeps={name}", "dry_run=true"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    if ended.returncode:
        raise TrialbookError(f"the files are written, and the sweep has mistakes:\n{ended.stderr or ended.stdout}".rstrip())
    print("\n" + "\n".join(ended.stdout.splitlines()[-3:-1]))  # noqa: T201


def _write(contents: dict[Path, bytes], *, replace: bool) -> list[str]:
    """Writes files; returns a line for each.

    Raises:
        ConfigError: another file is there, and nobody said that it may be replaced; nothing was written.
    """
    names = {path: os.path.relpath(path) for path in contents}
    others = [path for path, content in contents.items() if path.exists() and path.read_bytes() != content]
    if foreign := [names[path] for path in others if path.suffix != ".npz" and b"python -m src.adopt " not in path.read_bytes()]:
        raise ConfigError(f"{name} is there, and this command has not written it; expected name=… of other files" for name in foreign)
    if others and not replace and not agreed(f"replace {', '.join(names[path] for path in others)}?"):
        raise ConfigError(
            f"{names[path]} is there, and is another one; expected replace=true, or name=… for files beside it" for path in others
        )
    lines = []
    for path, content in contents.items():
        if path in others or not path.exists():
            state = "replaced" if path in others else "written"
            files.write(path, content)
        else:
            state = "unchanged"
        lines.append(f"{state:>9}  {names[path]}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
