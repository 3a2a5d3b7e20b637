import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from src.study import folders, provenance


def test_folders_made_at_once_are_all_different(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: folders.create(tmp_path / "mlruns" / "sweeps"), range(64)))
    assert len(set(made)) == 64
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", path.name) for path in made)


def test_the_patch_holds_changes_and_new_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "old.py").write_text("old = 1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "x")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.code_patch() == b"" and len(provenance.commit()) == 40
    (tmp_path / "src" / "old.py").write_text("old = 2\n")
    (tmp_path / "src" / "new.py").write_text("new = 1\n")
    (tmp_path / "data.npz").write_bytes(b"large")
    patch = tmp_path.parent / "code.patch"
    patch.write_bytes(provenance.code_patch())
    git("stash", "--include-untracked")
    git("apply", str(patch))
    assert (tmp_path / "src" / "old.py").read_text() == "old = 2\n" and (tmp_path / "src" / "new.py").read_text() == "new = 1\n"
    assert b"data.npz" not in patch.read_bytes()


def test_packages_are_pinned() -> None:
    assert re.search(rb"^keras==3", provenance.installed_packages(), re.MULTILINE)


def test_a_composition_reads_as_omegaconf_wrote_it(loader: ConfigLoader, tmp_path: Path) -> None:
    odd = ["note='1e3'", "tags=['yes','007','ü: #']", "seed=7"]
    composed = loader.load_configuration("config", odd, RunMode.RUN)
    folders.write_composition(tmp_path, composed, odd)
    for name in ("config", "hydra"):
        text = (tmp_path / ".hydra" / f"{name}.yaml").read_text()
        keys = ["hydra"] if name == "hydra" else [str(key) for key in composed if key != "hydra"]
        assert text == OmegaConf.to_yaml(OmegaConf.masked_copy(composed, keys))
    assert OmegaConf.load(tmp_path / ".hydra" / "overrides.yaml") == odd


def test_the_code_is_the_same_with_or_without_git_and_another_one_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src" / "models").mkdir(parents=True)
    file = tmp_path / "src" / "models" / "x.py"
    file.write_text("units = 1\n")
    (tmp_path / "README.md").write_text("words")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    before = provenance.code_digest()
    (tmp_path / "README.md").write_text("other words")
    assert provenance.code_digest() == before and len(before) == 64
    file.write_text("units = 2\n")
    assert provenance.code_digest() != before


def test_a_package_of_the_users_is_code_of_a_trial_that_imports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "src/models/x.py": "from mine.blocks import block\n",
        "mine/blocks.py": "import helpers\n",
        "helpers.py": "",
        "other.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    before = provenance.code_digest()
    (tmp_path / "other.py").write_text("units = 1\n")
    assert provenance.code_digest() == before
    (tmp_path / "helpers.py").write_text("units = 1\n")
    assert provenance.code_digest() != before


def test_a_sweep_that_goes_on_with_other_code_keeps_both_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code.patch").write_bytes(b"first")
    monkeypatch.setattr(provenance, "code_patch", lambda: b"first")
    provenance.write_later_patch(tmp_path, provenance.commit())
    assert [file.name for file in tmp_path.iterdir()] == ["code.patch"]
    monkeypatch.setattr(provenance, "code_patch", lambda: b"second")
    provenance.write_later_patch(tmp_path, provenance.commit())
    assert (tmp_path / "code.patch").read_bytes() == b"first"
    assert (tmp_path / provenance.patch_name(f"3f2a+{provenance.code_digest()}")).read_bytes() == b"second"
