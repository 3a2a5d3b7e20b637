"""The import rules, read from the sentence in docs/design.md that states them."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from src.config.paths import ROOT

DOORS = {
    "mlflow": "src/tracking/",
    "keras_tuner": ("src/oracles/", "src/adopting/", "src/adopted.py"),
    "ray": "src/executors/ray_cluster.py",
    "optuna": ("src/adopting/optuna_storage.py", "src/oracles/optuna_sampler.py"),
}
FILES = list((ROOT / "src").rglob("*.py"))


def tiers() -> list[set[str]]:
    line = re.search(r"^`sweep, .* → .*`$", (ROOT / "docs/design.md").read_text(), re.MULTILINE)
    assert line, "docs/design.md lost its line of import tiers"
    return [set(re.findall(r"\w+", part)) for part in line[0].split("→")]


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "src" else {node.module}
    return found


def part(module: str) -> str:
    words = module.split(".")
    return words[1] if words[0] == "src" and len(words) > 1 else words[0]


def test_every_part_has_a_tier() -> None:
    parts = {part(".".join(file.relative_to(ROOT).with_suffix("").parts)) for file in FILES} - {"__init__"}
    assert len(FILES) > 40
    assert parts == set().union(*tiers())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_downwards(file: Path) -> None:
    order = {name: depth for depth, names in enumerate(tiers()) for name in names}
    own = part(".".join(file.relative_to(ROOT).with_suffix("").parts))
    for module in imported(file):
        if module.startswith("src.") and own != "__init__":
            assert part(module) == own or order[part(module)] > order[own] or order[own] == len(tiers()) - 1, f"{file} imports {module}"
        for library, door in DOORS.items():
            if module == library or module.startswith(f"{library}."):
                assert str(file.relative_to(ROOT)).startswith(door), f"{file} imports {module}; its door is {door}"


def test_what_is_imported_is_declared_with_the_file_that_imports_it() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    rows = re.findall(r'^ *"([\w-]+)[^"]*", *# (.+)$', listed[1], re.MULTILINE) if listed else []
    declared = {name: places.split(", ") for name, places in rows}
    optional = {"ray", "optuna"}
    owners = {module: {re.sub("[_.]", "-", name).lower() for name in names} for module, names in packages_distributions().items()}
    importers: dict[str, set[str]] = {}
    for file in FILES:
        for module in {name.partition(".")[0] for name in imported(file)} - sys.stdlib_module_names - {"src", *optional}:
            [name] = owners[module] & (declared.keys() | {module}) or owners[module]
            importers.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    assert importers.keys() == declared.keys()
    for name, places in declared.items():
        for place in places:
            assert any(file.startswith(place) for file in importers[name]), f"{name} is not imported in {place}"


TRAINING = {"tensorflow", "keras", "keras_tuner", "mlflow"}
TABLES = {"sklearn", "numpy", "pandas", "matplotlib", "rich"}
VERBS = [file.stem for file in (ROOT / "src").glob("*.py") if "\ndef main(" in file.read_text()]
PLAN = "-m model.units=range(1,501) optimizer=sgd,adam dry_run=true"


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [*((words, TRAINING | TABLES) for words in ("--help", "--cfg job", "optimizer=adm", "-m optimizer=sgd,adm")), (PLAN, TRAINING)],
)
def test_nothing_heavy_is_imported_before_a_trial_runs(arguments: str, heavy: set[str]) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['src.sweep', *{arguments.split()!r}]\n"
        "try:\n    runpy.run_module('src.sweep', run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        f"print('HEAVY', sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert ("1000 trials" in done.stdout) == (arguments == PLAN)


def test_the_help_of_every_verb_describes_every_word_and_imports_nothing_heavy() -> None:
    code = (
        "import runpy, sys\n"
        f"for verb in {VERBS!r}:\n"
        "    sys.argv = [verb, '--help']\n"
        "    try:\n        runpy.run_module(f'src.{verb}', run_name='__main__', alter_sys=True)\n"
        "    except SystemExit as end:\n        assert not end.code, verb\n"
        f"print('HEAVY', sorted({(TRAINING | TABLES) - {'numpy', 'rich'}!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *lines, heavy = done.stdout.splitlines()
    assert heavy == "HEAVY []"
    words = [line for line in lines if re.match(r"  \w+=", line)]
    assert len(words) > 20 and all(len(line.split(maxsplit=1)) == 2 for line in words)
    assert all(f"python -m src.{verb}" in done.stdout for verb in VERBS)
