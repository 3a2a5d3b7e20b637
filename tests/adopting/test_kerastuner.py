"""Old results of KerasTuner, in folders that KerasTuner itself writes, become a study that goes on."""

import csv
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from src.adopting import kerastuner_project
from src.errors import ConfigError
from src.objective import Objective
from src.states import TrialState
from tests.adopting.conftest import make_project, states, study
from tests.conftest import Command, runs_of

HEIGHT = Objective("height", "min")


def next_command(said: str) -> list[str]:
    return shlex.split(said.partition("Go on from these trials:\n  python -m ")[2].splitlines()[0])


def completed(project: Path) -> list[float]:
    return [state["score"] for state in states(project) if state["status"] == "COMPLETED"]


def test_bayesian_goes_on_from_them(command: Command, added: dict[str, str], project: Path, store_uri: str, tmp_path: Path) -> None:
    failed = sum(state["status"] == "FAILED" for state in states(project))
    done = command("src.adopt", f"results={project}", "sweeps=hill", **added)
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout + done.stderr
    assert failed > 0 and f"{failed} x FAILED ValueError: no hill with 64" in done.stdout
    table = list(csv.DictReader(io.StringIO(command("src.compare", "format=csv", **added).stdout)))
    assert [float(row["height"]) for row in table if row["height"]] == sorted(completed(project))
    assert {row["seconds"] for row in table} == {""}, "KerasTuner does not keep them"
    assert study(tmp_path, "select distinct code, packages, attempts, kept_epoch from trial") == [("", "", 1, None)]
    assert study(tmp_path, "select count(*) from epoch") == [(0,)], "numbers belong to no epoch"

    again = command(*next_command(done.stdout), **added)
    assert again.returncode == 1, "the study has failed trials\n" + again.stdout + again.stderr
    assert "goes on: 8 trials had ended, 0 had not" in again.stdout and "not known: code, packages" in again.stdout
    assert study(tmp_path, "select count(*), count(distinct active_hash) from trial") == [(20, 20)]
    [(best,)] = study(tmp_path, "select min(score) from trial where number >= 8")
    assert best < min(completed(project))

    found = [run for run in runs_of(store_uri, "hill") if run.data.tags["trialbook.kind"] == "trial"]
    adopted = [run for run in found if "trialbook.adopted" in run.data.tags]
    assert len(found) == 20 and len(adopted) == 8
    assert not {"trialbook.code", "trialbook.versions", "mlflow.source.git.commit"} & set().union(*(run.data.tags for run in adopted))
    assert sorted(run.data.metrics["kept/height"] for run in adopted if run.info.status == "FINISHED") == sorted(completed(project))
    refused = command("src.promote", f"run={adopted[0].info.run_id}", **added)
    assert refused.returncode == 2 and f"adopted from KerasTuner {project}, without its model" in refused.stderr


@pytest.mark.long
def test_a_grid_does_not_repeat_them(command: Command, added: dict[str, str], listed_project: Path, tmp_path: Path) -> None:
    done = command("src.adopt", f"results={listed_project}", "sweeps=listed", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    again = command(*next_command(done.stdout), **added)
    assert again.returncode == 0, again.stdout + again.stderr
    assert study(tmp_path, "select count(*), count(distinct active_hash) from trial") == [(18, 18)]
    assert study(tmp_path, "select count(*) from trial where code = ''") == [(5,)]
    assert study(tmp_path, """select count(distinct json_extract(overrides, '$."trial.rate"')) from trial""") == [(3,)], (
        "the axis's own texts"
    )


def test_a_used_up_budget_is_enlarged(command: Command, added: dict[str, str], project: Path, tmp_path: Path) -> None:
    axes = ["trial.rate=tag(log,interval(1e-3,1))", "trial.units=32,64,96", "trial.kind=plain,odd"]
    words = ["trial=hill", *axes, "oracle=random", "oracle.max_trials=4"]
    done = command("src.adopt", f"results={project}", *words, **added)
    following = next_command(done.stdout)
    assert following[:-2] == ["src.sweep", "-m", *words[:-1], "oracle.max_trials=12"] and following[-1] == "allow=[budget]"
    command(*following, **added)
    assert study(tmp_path, "select count(*), count(distinct active_hash) from trial") == [(12, 12)]


def test_epochs_are_recorded(command: Command, added: dict[str, str], project_with_epochs: Path, store_uri: str, tmp_path: Path) -> None:
    done = command("src.adopt", f"results={project_with_epochs}", "sweeps=hill", "tags=[old]", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    assert study(tmp_path, "select number, epoch from epoch") == [(0, 2), (1, 2), (2, 2)]
    assert study(tmp_path, "select distinct kept_epoch, seconds from trial") == [(2, None)]
    began = [trial.started for trial in kerastuner_project.read(project_with_epochs, HEIGHT).trials]
    assert study(tmp_path, "select started, ended from trial") == [(start, start) for start in began], "the end is not known"
    runs = [run for run in runs_of(store_uri, "hill") if run.data.tags["trialbook.kind"] == "trial"]
    for run in runs:
        assert run.data.metrics["kept/loss"] == 2.0 and run.data.metrics["height"] == run.data.metrics["kept/height"]
        assert not any("gap" in name for name in run.data.metrics), "it is not finite"
        assert run.data.tags["old"] == "true" and "seconds" not in run.data.metrics
    assert sorted(run.data.metrics["height"] for run in runs) == sorted(completed(project_with_epochs))
    other = csv.DictReader(io.StringIO(command("src.compare", "objective=min:loss", "format=csv", **added).stdout))
    assert [row["loss"] for row in other] == ["2.0"] * 3


def test_several_executions_are_their_mean(project_with_epochs: Path) -> None:
    past = kerastuner_project.read(project_with_epochs, HEIGHT)
    assert [trial.score for trial in past.trials] == completed(project_with_epochs)
    assert all(set(trial.history) == {2} and trial.history[2]["loss"] == 2.0 for trial in past.trials)
    assert all(trial.started for trial in past.trials) and not past.mistakes


def test_the_metrics_of_each_step(tmp_path: Path) -> None:
    """Tuners that report each epoch themselves, the way before KerasTuner 1.1."""
    project = make_project(tmp_path, lambda hp: hp.Float("rate", 0.0, 1.0) and {"height": hp.get("rate"), "note": 1}, trials=1)
    [file] = project.glob("trial_*/trial.json")
    state = json.loads(file.read_text())
    state["metrics"]["metrics"]["height"]["observations"] = [{"value": [5.0 - step, 7.0 - step], "step": step} for step in range(3)]
    file.write_text(json.dumps({**state, "score": 4.0, "best_step": 2}))
    [trial] = kerastuner_project.read(project, HEIGHT).trials
    assert {epoch: metrics["height"] for epoch, metrics in trial.history.items()} == {1: 6.0, 2: 5.0, 3: 4.0}
    assert (trial.score, trial.kept_epoch) == (4.0, 3)


def test_damaged_files_are_told_and_skipped(command: Command, added: dict[str, str], project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    names = sorted(folder.name for folder in copy.glob("trial_*"))
    for name, content in zip(names, ('{"trial_id": ', "[]", '{"trial_id": "2", "score": null}', "[" * 100_000), strict=False):
        (copy / name / "trial.json").write_text(content)
    (copy / names[4] / "trial.json").write_text(json.dumps({**states(project)[4], "status": "RUNNING"}))
    (copy / "oracle.json").write_text("{")
    done = command("src.adopt", f"results={copy}", "sweeps=hill", **added)
    assert done.returncode == 0, done.stdout + done.stderr
    for place in (*(f"{name}/trial.json" for name in names[:4]), "oracle.json"):
        assert re.search(rf"{re.escape(str(copy))}/{place}: it cannot be read", done.stdout)
    assert "left out: 1 trial that was running" in done.stdout and "Traceback" not in done.stdout
    assert study(tmp_path, "select count(*) from trial") == [(3,)]


def test_all_mismatches_are_told_at_once(command: Command, added: dict[str, str], project: Path, tmp_path: Path) -> None:
    words = ["sweeps=brackets", "trial.units=32,96", "trial.rate=interval(0.5,0.9)", "trial.momentum=0.5", "objective=max:height"]
    refused = command("src.adopt", f"results={project}", *words, "trial.kind=plain", **added)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr, refused.stdout
    said = refused.stderr
    assert "oracle=hyperband: its rungs cannot be rebuilt" in said
    assert "searched in the other direction; expected objective=min:height" in said
    assert re.search(r"trial\.rate=0\.001, .*: expected a number from 0\.5 to 0\.9 \(\d old trials\)", said)
    assert "trial.units=64: expected one of 32, 96 (2 old trials)" in said
    assert "trial.momentum=0.0: expected 0.5, which this sweep has, or an axis (8 old trials)" in said
    assert re.search(r"trial\.kind=odd: expected plain, which this sweep has, or an axis \(\d old trials\)", said)
    assert not (tmp_path / "mlruns" / "sweeps").exists(), "nothing was written"

    other = command("src.adopt", f"results={project}", "sweeps=hill", "objective=min:depth", "optimizr=adam", **added)
    assert "optimizr" in other.stderr
    other = command("src.adopt", f"results={project}", "sweeps=hill", "trial.depth=1,2", "resume=latest", **added)
    assert "resume=latest: adopt creates a new study" in other.stderr and other.returncode == 2


def test_an_objective_that_they_do_not_have(project: Path) -> None:
    [mistake] = kerastuner_project.read(project, Objective("depth", "min")).mistakes
    assert "6 of 6 finished trials do not have it; expected one of theirs: height" in mistake


def test_a_second_time_is_refused(command: Command, added: dict[str, str], listed_project: Path, tmp_path: Path) -> None:
    words = ["src.adopt", f"results={listed_project}", "sweeps=listed"]
    dry = command(*words, "dry_run=true", **added)
    assert dry.returncode == 0 and "5 old trials" in dry.stdout and not (tmp_path / "mlruns" / "sweeps").exists()
    assert command(*words, **added).returncode == 0
    [sweep] = (tmp_path / "mlruns" / "sweeps").iterdir()
    refused = command(*words, **added)
    assert refused.returncode == 2 and f"adopted already; expected python -m src.sweep … resume={sweep.name}" in refused.stderr


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ("nowhere", "not found; expected a project folder"),
        (".", "did you mean results=project?"),
        ("mysql://user:hidden@host/db", "expected sqlite:///FILE"),
        ("project/oracle.json", "it is no SQLite file"),
    ],
)
def test_what_is_no_project(results: str, said: str, command: Command, added: dict[str, str], project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    refused = command("src.adopt", f"results={results}", "sweeps=hill", **added)
    assert refused.returncode == 2 and said in refused.stderr and "hidden" not in refused.stderr, refused.stderr


def test_hyperbands_bookkeeping_is_no_hyperparameter(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    for file in copy.glob("trial_*/trial.json"):
        state = json.loads(file.read_text())
        state["hyperparameters"]["values"] |= {"tuner/epochs": 3, "tuner/bracket": 1, "tuner/round": 0, "tuner/initial_epoch": 0}
        file.write_text(json.dumps(state))
    assert {tuple(trial.values) for trial in kerastuner_project.read(copy, HEIGHT).trials} == {
        ("rate", "units", "kind", "momentum", "training.epochs")
    }


def test_a_score_that_is_not_finite_fails_the_trial(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    file = next(file for file in sorted(copy.glob("trial_*/trial.json")) if '"COMPLETED"' in file.read_text())
    state = json.loads(file.read_text())
    state["metrics"]["metrics"]["height"]["observations"][0]["value"] = [float("inf")]
    file.write_text(json.dumps({**state, "score": float("inf")}))
    [trial] = [trial for trial in kerastuner_project.read(copy, HEIGHT).trials if trial.name == state["trial_id"]]
    assert trial.state == TrialState.FAILED and "height is not finite" in trial.cause


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no trial_\*/trial\.json"):
        kerastuner_project.read(tmp_path, HEIGHT)
