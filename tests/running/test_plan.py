"""What dry_run=true prints."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader

from src import executors
from src.config.command_line import read
from src.config.composer import Composer
from src.errors import ConfigError
from src.objective import Objective
from src.running import plan
from src.running.invocation import Invocation
from src.running.precheck import check_data
from src.space import Space
from tests.conftest import overlay

Show = Callable[..., list[str]]


@pytest.fixture
def show(loader: ConfigLoader, capsys: pytest.CaptureFixture[str]) -> Show:
    """Words of the command line → the lines that are printed."""

    def shown(*words: str, single: bool = False) -> list[str]:
        plain = [word for word in words if word.startswith(("oracle", "stop"))]
        config = Composer(loader)(["data=digits", *plain])
        request = read(loader, ["data=digits", *words], multirun=not single)
        folder = Path("mlruns/trials" if single else "mlruns/sweeps")
        invocation = Invocation(Space.of(request), config, Objective.parse("val_accuracy"), request.sweep, [], single, folder)
        plan.show(invocation, executors.create({"_target_": "src.executors.inline.Inline"}, lambda *_: None), Composer(loader))
        return capsys.readouterr().out.splitlines()

    return shown


def test_its_lines_can_be_pasted_into_a_shell(show: Show) -> None:
    lines = show("+model.note='a b','c;d'", "+model.key={a:1}")
    for line, note in zip(lines, ("'a b'", "'c;d'"), strict=False):
        words = ["data=digits", "+model.key={a:1}", f"+model.note={note}"]
        assert shlex.split(line)[1:] == ["python", "-m", "src.sweep", *words] and line.strip().endswith(shlex.join(words))


def test_a_single_trial_has_an_estimate_from_earlier_sweeps(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (2.0, 0.0, 3)
    monkeypatch.setattr(plan, "_experience", lambda root, artifacts, data: [known] if root == Path("mlruns/sweeps") else [])
    for single in (True, False):
        estimate = next(line for line in show("training.epochs=5", single=single) if "about" in line)
        assert "5 epochs of 2.00 s, as in 3 earlier trials" in estimate and "MB" not in estimate


def test_an_estimate_is_of_all_trials_side_by_side(loader: ConfigLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Composer(loader)(["data=digits"])
    space = Space.of(read(loader, ["data=digits", "seed=1,2,3,4"], multirun=True))
    invocation = Invocation(space, config, Objective.parse("val_accuracy"), None, [], False, Path("mlruns/sweeps"))
    monkeypatch.setattr(plan, "_experience", lambda *_: [(2.0, 1.5, 3), (4.0, 2.5, 1)])
    basis = "20 epochs of 3.00 s, 2 side by side, and 4 trials of 2.00 MB, as in 4 earlier trials on these data"
    assert plan._estimate(invocation, 4, 20, 2) == f"at most about 30 s and 8 MB: {basis}"
    assert plan._estimate(invocation, 1, 20, 1).startswith("at most about 1 min 0 s and 2 MB: 20 epochs of 3.00 s, and 1 trial of")


def test_only_oracles_that_learn_propose_by_scores(show: Show) -> None:
    space = ("optimizer=sgd,adam", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))")
    assert "4 drawn at random" in show(*space, "oracle=random", "oracle.max_trials=4")
    assert "2 drawn at random, 3 more by the scores of these" in show(
        *space, "oracle=bayesian", "oracle.max_trials=5", "oracle.initial_points=2"
    )
    assert "4 drawn at random, 18 more by the scores of these" in show(*space, "oracle=hyperband", "oracle.max_epochs=9")
    lines = show(*space, "oracle=asha", "oracle.max_trials=9", "oracle.max_epochs=9")
    assert "2 drawn at random, 19 more by the scores of these" in lines


def test_a_rule_for_trials_is_said(show: Show) -> None:
    assert not any("stop.trial" in line for line in show("model.units=8"))
    assert any(line.startswith("stop.trial=median: once 5 trials have ended") for line in show("model.units=8", "stop.trial=median"))


def test_where_there_are_no_more_distinct_points_no_more_are_foreseen(show: Show) -> None:
    lines = show("optimizer.learning_rate=interval(1.0,1.0000000000000004)", "oracle=random", "oracle.max_trials=20")
    count = sum("src.sweep" in line for line in lines)
    assert 0 < count < 20 and f"{count} drawn at random" in lines and any(f"at most {count} trial" in line for line in lines)


def test_keys_that_the_command_line_left_out_are_told(show: Show) -> None:
    lines = show("sweeps=notebook", "model=one_layer")
    assert any(line.endswith("without model.activation, model.dropout, which none of them has") for line in lines)


VALLEY = {
    "trials": {"dale": "def run(config, report):\n    return config['trial']['rate']\n"},
    "conf": {"trial/dale.yaml": "_target_: src.trials.dale.run\nobjective: min:height\nuses: []\nrate: 0.1\n"},
}


def test_it_looks_at_the_sweep_to_continue(command: Callable, tmp_path: Path) -> None:
    added = overlay(tmp_path, VALLEY["trials"], VALLEY["conf"])
    words = ["src.sweep", "-m", "trial=dale", "trial.rate=0.1,0.2"]
    assert command(*words, **added).returncode == 0
    shown = command(*words[:-1], "trial.rate=0.1,0.2,0.3", "resume=latest", "allow=[space]", "dry_run=true", **added)
    lines = shown.stdout.splitlines()
    assert lines[:2] == ["    1  python -m src.sweep trial=dale trial.rate=0.3", "latest would go on: 2 trials had ended"], shown.stderr
    assert lines[2] == "sweep: 1 trial, min:height"
    other = command(*words[:-1], "seed=1,2", "resume=latest", "dry_run=true", **added)
    assert other.returncode == 2 and "trial.rate: 0.1,0.2 then,  now" in other.stderr
    assert "did you mean 'latest'?" in command(*words, "resume=latst", "dry_run=true", **added).stderr


def test_it_looks_at_the_data_and_at_functions(loader: ConfigLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.npz").write_text("no array")
    for words, message in (
        (["data=npz", "data.path=bad.npz,worse.npz"], "bad.npz"),
        (["data=npz", "data.path=bad.npz,worse.npz"], "worse.npz"),
        (["data=digits", "data.validation_split=0.2,0.99999"], "0.99999 of 1437 examples"),
    ):
        with pytest.raises(ConfigError) as told:
            check_data(Space.of(read(loader, words, multirun=True)), Composer(loader))
        assert message in str(told.value)
    check_data(Space.of(read(loader, ["data=digits", "seed=1,2"], multirun=True)), Composer(loader))
