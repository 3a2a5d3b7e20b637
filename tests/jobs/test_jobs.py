"""Other kinds of jobs, each from a sweep to the champion that answers: what a newcomer adds lies in the folder of the job."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.config.paths import CONF
from tests.jobs.pictures import make

HERE = Path(__file__).parent
JOBS = sorted(file.parent.name for file in HERE.glob("*/command"))
QUICK = ("pictures",)  # the others run in `make faults`
LEAST = {  # worst score of a trial's model that has learned: better than the mean, or than a guess
    **{"autoencoder": 0.6, "columns": 1.0, "series": 0.1, "several": 0.9, "vae": 20.0},
    **{"compiled": 0.5, "own": 0.9, "pictures": 0.7, "tags": 0.8, "text": 0.9, "tokens": 0.8},
}


def table(folder: Path) -> str:
    file = folder / "houses.csv"
    file.write_text("city,rooms,age\nBern,3,10\nBasel,6,70\n")
    return file.name


def text(folder: Path) -> str:
    (folder / "sentences.txt").write_text("the rain and the wind\nthe soup and the bread\n")
    return "sentences.txt"


def windows(folder: Path) -> str:
    np.save(folder / "windows.npy", np.zeros((2, 24, 1)))
    return "windows.npy"


def machine(folder: Path) -> str:
    np.savez(folder / "machine.npz", signal=np.ones((2, 16)), settings=np.zeros((2, 3)))
    return "machine.npz"


ASKED: dict[str, tuple[str, Callable[[Path], str], str]] = {  # job → registered model, its inputs, a part of the answer
    "columns": ("houses", table, "price"),
    "pictures": ("pictures", lambda _: "flowers/test/circle/0.png", "circle"),
    "series": ("waves", windows, "next"),
    "several": ("sensors", machine, r"busy.*\n.*busy"),
    "text": ("sentences", text, r"weather .*\n *food "),
}


@pytest.mark.parametrize("job", [pytest.param(job, marks=() if job in QUICK else pytest.mark.long) for job in JOBS])
def test_a_job_goes_from_a_sweep_to_a_champion_that_answers(job: str, command: Callable, tmp_path: Path) -> None:
    added = tmp_path / "added"
    shutil.copytree(CONF, added / "conf", symlinks=False)
    shutil.copytree(HERE / job, added, dirs_exist_ok=True)
    if job == "pictures":
        make.main(tmp_path / "flowers")
    environment = {"TRIALBOOK_ADDED": str(added)}
    swept = command("src.sweep", "-m", *(HERE / job / "command").read_text().split(), **environment)
    assert swept.returncode == 0, swept.stdout + swept.stderr
    study = sqlite3.connect(next((tmp_path / "mlruns" / "sweeps").glob("*/study.db")))
    scores = [score for (score,) in study.execute("select score from trial where state = 'FINISHED'")]
    rises = "max:" in swept.stdout.partition("\n")[0]
    assert len(scores) == 2
    assert max(scores) > LEAST[job] if rises else min(scores) < LEAST[job]
    gates = "none" if job == "vae" else "default"  # three epochs do not beat the mean picture
    promoted = command("src.promote", f"gates={gates}", **environment)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    if job in ASKED:
        model, asked, answer = ASKED[job]
        told = command("src.predict", f"model={model}", f"file={asked(tmp_path)}", **environment)
        assert told.returncode == 0, told.stderr
        assert re.search(answer, told.stdout), told.stdout
