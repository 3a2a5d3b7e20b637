"""Which tests run: `make test-fast` leaves out those that are slow, `make test` those that are long, `make faults` runs these alone.

Slow is what starts Python with TensorFlow, a server or a browser, and the files in SECONDS. What wants TensorFlow in the process of the
tests itself is skipped by `make test-fast` where it imports it, be it a whole file or one test; nobody has to say so.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

STARTING = {"warm", "cold_command", "cluster", "server", "browser"}  # fixtures
SECONDS = (  # files whose tests take some seconds together, for hundreds of repetitions, many compositions, or because they wait
    "test_columns test_confirm test_readme test_space",
    "adopting/test_optuna config/test_composer config/test_options config/test_sweep_files",
    "executors/test_executors executors/test_stateful oracles/test_oracles oracles/test_race oracles/test_stateful",
    "results/test_advice results/test_conclusions results/test_likeness",
    "running/test_driver running/test_interruption running/test_pruning running/test_resume",
    "study/test_outbox tasks/test_pictures tracking/test_bulk tracking/test_registry truth/",
)


class NoTensorFlow(MetaPathFinder, Loader):
    """Skips whoever imports TensorFlow; looking whether it is there imports nothing."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in ("tensorflow", "keras", "keras_tuner") else None

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual one."""

    def exec_module(self, module: ModuleType) -> None:
        pytest.skip(f"wants {module.__name__}", allow_module_level=True)


def pytest_configure(config: pytest.Config) -> None:
    if "not slow" in config.option.markexpr:
        sys.meta_path.insert(0, NoTensorFlow())


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Doctests are in src/; the programs beside the tests need not be imported to look for some."""
    if collection_path.suffix != ".py" or collection_path.name.startswith("test_"):
        return None
    return True if Path(__file__).parent in collection_path.parents else None


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Forgets a module that was skipped while it was imported: half imported, it would stay in `sys.modules` for later tests."""
    if report.skipped and report.nodeid.startswith("src/"):
        name = report.nodeid.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        parent, _, last = name.rpartition(".")
        sys.modules.pop(name, None)
        if parent in sys.modules:
            vars(sys.modules[parent]).pop(last, None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones come first, then groups that one worker runs, so that none is left alone with one of them in the end."""
    files = tuple(f"tests/{name}" for line in SECONDS for name in line.split())
    for item in items:
        if STARTING & set(getattr(item, "fixturenames", ())) or item.nodeid.startswith(files):
            item.add_marker("slow")
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("slow", "xdist_group")])
