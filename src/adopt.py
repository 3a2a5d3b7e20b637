"""Brings old results into a sweep:  python -m src.adopt results=FOLDER|STORAGE [study=NAME] sweeps=NAME [more words of src.sweep]

python -m src.adopt results=my_dir/my_project sweeps=x                   a project folder of KerasTuner
python -m src.adopt results=sqlite:///optuna.db study=mine sweeps=x      a storage of Optuna's, an SQLite file
"""

import sys
from dataclasses import dataclass, fields

from src.config.arguments import read_arguments
from src.config.command_line import conf_loader
from src.exits import exit_on_error


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command; the other words are those of a sweep."""

    results: str
    study: str = ""


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Returns the words for Arguments, and those of the sweep."""
    known = {field.name for field in fields(Arguments)}
    own = [word for word in argv if word.partition("=")[0] in known]
    return own, [word for word in argv if word not in own]


def main() -> int:
    """Adopts; returns the exit code."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv):
        print(__doc__)  # noqa: T201
        return 0
    with exit_on_error():
        from src.adopting.study import adopt  # numpy, which help does not need

        own, words = split(sys.argv[1:])
        arguments = read_arguments(Arguments, own)
        with conf_loader() as loader:
            return adopt(loader, arguments.results, arguments.study, words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
