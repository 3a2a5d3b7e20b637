"""Finds the Python files that a trial may run: src/, and the modules and packages in the working folder that it imports."""

import re
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)


def python_files(root: Path) -> dict[str, Path]:
    """Returns name → file, sorted by name. A name is a path relative to the repository, or to the working folder for the user's files."""
    found = {file.relative_to(root).as_posix(): file for file in (root / "src").rglob("*.py")}
    waiting, seen = list(found.values()), {"src"}
    while waiting:
        for name in set(IMPORT.findall(waiting.pop().read_text(errors="replace"))) - seen:
            seen.add(name)
            for file in _own(name):
                found[file.relative_to(Path.cwd()).as_posix()] = file
                waiting.append(file)
    return dict(sorted(found.items()))


def _own(name: str) -> Iterator[Path]:
    """Yields the files of a module or package in the working folder, from which `python -m` imports first."""
    module, package = Path.cwd() / f"{name}.py", Path.cwd() / name
    if module.is_file():
        yield module
    elif package.is_dir():
        yield from package.rglob("*.py")
