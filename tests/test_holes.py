"""The locked packages lie above the versions with known holes; a database of them is asked where there is one: `pip-audit`."""

import re

import pytest
from packaging.version import Version

from src.config.paths import ROOT

LOCKED = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
HOLES = [  # package, first version without, the hole
    ("aiohttp", "3.13.3", "CVE-2025-69223"),
    ("cryptography", "44.0.1", "CVE-2024-12797"),
    ("filelock", "3.20.3", "CVE-2026-22701"),
    ("fonttools", "4.60.2", "CVE-2025-66034"),
    ("gitpython", "3.1.41", "CVE-2024-22190"),
    ("hydra-core", "1.3.7", "CVE-2026-106439: what may be instantiated could be changed from outside"),
    ("jinja2", "3.1.6", "CVE-2025-27516"),
    ("keras", "3.14.1", "CVE-2026-12480, and those before: a model's file that runs code or reads other files"),
    ("mlflow", "3.16.1", "CVE-2026-2635: a default password"),
    ("pillow", "11.3.0", "CVE-2025-48379"),
    ("pyarrow", "14.0.1", "CVE-2023-47248"),
    ("ray", "2.52.0", "CVE-2025-62593"),
    ("requests", "2.32.4", "CVE-2024-47081"),
    ("setuptools", "78.1.1", "CVE-2025-47273"),
    ("starlette", "0.49.1", "CVE-2025-62727"),
    ("urllib3", "2.6.3", "CVE-2026-21441"),
    ("werkzeug", "3.1.4", "CVE-2025-66221"),
]


@pytest.mark.parametrize(("package", "version", "hole"), HOLES)
def test_a_known_hole_is_closed(package: str, version: str, hole: str) -> None:
    assert Version(LOCKED[package]) >= Version(version), hole


def test_nothing_reads_pickles_or_turns_safety_off() -> None:
    forbidden = re.compile(
        r"\b(pickle|cloudpickle|joblib|marshal)\.load|allow_pickle=True|safe_mode=False|enable_unsafe|[^.\w]eval\(|[^.\w]exec\("
    )
    script = ROOT / "src/adopting/recording.py"  # runs the file that the user names: python -m src.adopt FILE.py:NAME
    for file in (ROOT / "src").rglob("*.py"):
        text = file.read_text() if file != script else file.read_text().replace("exec(compile(", "")
        assert not forbidden.search(text), file
