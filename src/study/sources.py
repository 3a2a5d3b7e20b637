"""The Python files that a trial may run: those of src/, and those of a user's own packages in the present folder that these import."""

import re
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)


def python_files(root: Path) -> dict[str, Path]:
    """Returns name → file, by name: paths relative to a repository, or to the present folder where a package of the user's lies."""
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
    """Yields the files of a module or package in the present folder, from where `python -m` imports first."""
    module, package = Path.cwd() / f"{name}.py", Path.cwd() / name
    if module.is_file():
        yield module
    elif package.is_dir():
        yield from package.rglob("*.py")
