import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from src.study import folder


def test_folders_made_at_once_are_all_different(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: folder.create(tmp_path / "mlruns" / "sweeps"), range(64)))
    assert len(set(made)) == 64
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", path.name) for path in made)


def test_packages_are_pinned() -> None:
    assert re.search(rb"^keras==3", folder.packages(), re.MULTILINE)
