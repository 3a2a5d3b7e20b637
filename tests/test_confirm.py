"""`python -m src.confirm`: its words on study files made here, and whole races of a function and of digits."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from src import confirm, promote
from src.study.store import Store
from tests.conftest import Command, overlay
from tests.test_compare import study

Confirm = Callable[..., tuple[int, str]]
SWEEP = "20260101-000000-aaaa"


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep of three configurations with two seeds each."""
    points = [({"data": "digits", "model.units": str(units), "seed": str(seed)}, units / 100) for units in (8, 16, 32) for seed in (1, 2)]
    study(tmp_path, SWEEP, "widths", points)
    store = Store.reopen(tmp_path / "mlruns" / "sweeps" / SWEEP / "study.db")
    store.describe(experiment="digits")
    store.close()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Confirm:
    """Runs the command in this process; its exit code and what it said."""

    def command(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["confirm", *words])
        with pytest.raises(SystemExit) as end:
            confirm.main()
        return int(end.value.code or 0), "".join(capsys.readouterr())

    return command


@pytest.mark.usefixtures("units")
def test_a_dry_run_shows_the_first_seeds_and_starts_nothing(run: Confirm, tmp_path: Path) -> None:
    code, said = run("top=2", "dry_run=true", "note=before lunch")
    trials = re.findall(r"^ +\d+  python -m src.sweep (.*)$", said, re.MULTILINE)
    assert code == 0 and trials == [
        f"data=digits{units} seed={seed}" for seed in (3, 4, 5) for units in (" model.units=32", " model.units=16", "")
    ]
    assert "9 before the first look, 51 more by the scores of these" in said and "at most 60 trials, max:val_accuracy" in said
    assert [folder.name for folder in (tmp_path / "mlruns" / "sweeps").iterdir()] == [SWEEP]


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("-m top=1", "6 before the first look, 34 more"),
        ("top=1 resume=null", "6 before the first look, 34 more"),
        ("top=99 most=4", "12 before the first look, 4 more"),
        ("seed=range(100,105)", "data=digits seed=102"),
        ("budget=12", "12 before the first look"),
        ("training.epochs=3", "data=digits model.units=32 training.epochs=3 seed=3"),
        ("+optimizer.clipnorm=1", "data=digits model.units=32 +optimizer.clipnorm=1 seed=3"),
        ("least=0.01 stop.max_minutes=5 sweep=widths", "at most 80 trials"),
    ],
)
def test_words_that_it_takes(words: str, told: str, run: Confirm) -> None:
    code, said = run(*words.split(), "dry_run=true")
    ordered = {" ".join(sorted(line.split()[4:])) for line in said.splitlines() if "src.sweep" in line}
    assert code == 0 and (told in said or " ".join(sorted(told.split())) in ordered), said


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize(
    ("words", "mistakes"),
    [
        (
            "top=0 most=2 least=-1 budget=x oracle=random objective=val_loss sweeps=dropout model.units=1,2 stop.patience=3 swep=b"
            " optimizer.momentun=1",
            [
                "swep=b: there is no 'swep'; did you mean 'sweep'?",
                "sweeps=dropout: a race takes it from its sweep",
                "oracle=random: the oracle of a race is settled; expected least=…, most=… or budget=…",
                "objective=val_loss: a race takes it from its sweep",
                "model.units=1,2: several values; a race takes its configurations from sweep=…",
                "stop.patience=3: it would end a race without an answer",
                "top=0: expected a whole number, at least 1.",
                "most=2: expected a whole number, at least 3.",
                "budget=x: expected a whole number, at least 1.",
                "least=-1: expected a number above 0",
                "optimizer.momentun=1: there is no 'optimizer.momentun'",
            ],
        ),
        ("least=inf", ["least=inf: expected a number above 0"]),
        ("sweep=width top=x", ["top=x: expected a whole number", "sweep=width: no such sweep; did you mean 'widths'?"]),
        ("seed=2,3,4", ["seed=2,3,4: 2 selected the configurations; expected fresh ones, such as seed=range(3,23)."]),
        ("seed=7,8,9 most=3", ["seed=7,8,9: most= also sets the number of seeds; expected one of the two."]),
        ("seed=interval(7,9)", ["seed is 7.0; expected", "seed is 9.0; expected", "race has no list of values to go through"]),
        ("seed=7", ["a configuration has 1 seeds; expected at least 3"]),
        ("model.units=64", ["there is one configuration; expected several"]),
        ("budget=11", ["4 configurations need 12 trials for the first comparison"]),
        ("resume=widths", [f"resume=widths: {SWEEP} is no race; expected the id of one race"]),
        ("resume=widths,latest", ["resume=widths,latest: several values"]),
        ("sweep=", ["sweep=: expected key=value"]),
        ("note='", ["note=': "]),
    ],
)
def test_mistakes_are_told_at_once(words: str, mistakes: list[str], run: Confirm) -> None:
    code, said = run(*words.split(), *([] if "resume" in words else ["dry_run=true"]))
    assert code == 2 and "Traceback" not in said
    assert not [mistake for mistake in mistakes if mistake not in said], said
    assert f"{len(mistakes)} mistake" in said, said


def test_what_a_race_concluded_is_said_and_its_configuration_is_promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best mean of the table may be one that a failed trial dropped."""
    study(tmp_path, SWEEP, "", [({"model.units": str(n), "seed": str(seed)}, 0.9 - n / 10 + seed / 100) for n in (1, 2) for seed in (1, 2)])
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect(tmp_path / "mlruns" / "sweeps" / SWEEP / "study.db") as database:
        database.execute("update trial set run_id = 'run ' || number")
    assert promote.best_run("latest") == "run 1"
    lines: list[str] = []
    for text, trials, best in (("Confirmed: two.", (2, 3), "run 3"), (f"Nobody is confirmed: {'one; two; ' * 9}", (), "run 1")):
        store = Store.reopen(tmp_path / "mlruns" / "sweeps" / SWEEP / "study.db")
        store.describe(conclusion=text, concluded_trials=trials)
        store.close()
        assert promote.best_run("latest", lines.append) == best
        assert " ".join(lines.pop().split()) == text.strip()


SLOPE = """# A score that the seed moves; one trial may interrupt its sweep, once.
_target_: src.trials.slope.run
objective: min:loss
uses: []
rate: 0.1
words: [a]
interrupted: 0
"""
FUNCTION = '''"""A score that the seed moves."""

import os
import random
import signal
from pathlib import Path


def run(config, report):
    rate, once = config["trial"]["rate"], Path("interrupted")
    if config["seed"] == config["trial"]["interrupted"] and not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGTERM)
        report.check_stop()
    return rate + random.Random(f"{rate} {config['seed']}").gauss(0, 0.002)
'''


@pytest.fixture
def added(tmp_path: Path) -> dict[str, str]:
    """The environment in which the command finds trial=slope."""
    return overlay(tmp_path, {"slope": FUNCTION}, {"trial/slope.yaml": SLOPE})


def rows(folder: Path, question: str) -> list[tuple]:
    return sqlite3.connect(folder / "study.db").execute(question).fetchall()


def test_a_race_of_a_function_is_interrupted_and_goes_on(command: Command, added: dict[str, str], tmp_path: Path) -> None:
    words = ['trial.words=[a,"b c"]', "trial.rate=0.05,0.051,0.2", "seed=1,2"]
    swept = command("src.sweep", "-m", "trial=slope", *words, **added)
    assert swept.returncode == 0 and "    confirms the best row with fresh seeds" in swept.stdout, swept.stdout + swept.stderr
    asked = ["src.confirm", "most=5", "trial.interrupted=4"]
    stopped = command(*asked, **added)
    assert stopped.returncode == 143 and "and the race was not ended" in " ".join(stopped.stdout.split()), stopped.stdout + stopped.stderr
    race = max((tmp_path / "mlruns" / "sweeps").iterdir())
    study(tmp_path, "29990101-000000-bbbb", "", [({"trial.rate": "0.3", "seed": "1"}, 0.3)])  # sweep=latest is another one now
    refused = command("src.confirm", "most=6", f"resume={race.name}", **added)
    assert refused.returncode == 2 and "most=6: the race began with most=5; expected the same" in refused.stderr, refused.stderr
    done = command(*asked, f"resume={race.name}", **added)
    assert done.returncode == 0, done.stdout + done.stderr

    points = rows(race, "select json_extract(overrides, '$.\"trial.rate\"'), json_extract(overrides, '$.seed') from trial order by number")
    assert [seed for _, seed in points[:12]] == ["3"] * 4 + ["4"] * 4 + ["5"] * 4, "seeds that selected never count"
    assert {rate for rate, _ in points} == {"0.05", "0.051", "0.2", None} and len(points) == 16
    assert {words for (words,) in rows(race, "select json_extract(overrides, '$.\"trial.words\"') from trial")} == {'[a,"b c"]'}
    said = " ".join(done.stdout.split())
    assert "Nobody is confirmed: 2 configurations cannot be told apart after 5 fresh seeds each: trial.rate=0.05" in said
    assert "16 of at most 20 runs. They took" in said
    [(concluded,)] = rows(race, "select value from meta where key = 'conclusion'")
    assert concluded in done.stdout, "a pipe has no edge at which it would be broken"


def test_a_race_on_digits_and_the_promotion_of_its_winner(command: Command, tmp_path: Path) -> None:
    shared = ["data=digits", "training=fixed_epochs", "training.engine=keras", "training.epochs=1", "optimizer=adam"]
    assert command("src.sweep", "-m", *shared, "model.units=1,2").returncode == 0
    done = command("src.confirm", "top=1", "most=3")
    said = " ".join(done.stdout.split())
    assert done.returncode == 0 and "Confirmed: the defaults, with val_accuracy 0." in said, done.stdout + done.stderr
    promoted = command("src.promote", "dry_run=true")
    assert promoted.returncode == 0 and "Confirmed: the defaults" in promoted.stdout and "it would be promoted" in promoted.stdout
    race = max((tmp_path / "mlruns" / "sweeps").iterdir())
    [(best,)] = rows(race, "select json_extract(overrides, '$.\"model.units\"') from trial order by score desc limit 1")
    assert best is None and "python -m src.promote sweep=" in done.stdout
