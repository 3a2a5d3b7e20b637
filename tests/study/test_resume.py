"""Going on with a sweep: what is refused, what is taken, and what runs again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode

from src.errors import ConfigError
from src.objective import Objective
from src.oracles import Proposal
from src.space import active_hash, overrides
from src.study import folder, resume
from src.study.invocation import Invocation
from src.study.lock import driving
from src.study.store import Message, Store
from src.trial import Outcome
from tests.study.conftest import Driven, units

WORDS = ("data=digits", "optimizer=sgd,adam", "model.units=8,16")


@pytest.fixture
def asked(loader: ConfigLoader, space: Callable, tmp_path: Path) -> Callable[..., Invocation]:
    def make(*words: str, **settings: object) -> Invocation:
        config = loader.load_configuration("config", [f"{key}={value}" for key, value in settings.items()], RunMode.RUN)
        return Invocation(space(*words), config, Objective.parse(config.objective), None, [], False, tmp_path)

    return make


@pytest.fixture
def store(asked: Callable[..., Invocation], driven: Driven) -> Store:
    """A study in which the first trial of WORDS finished."""
    then = asked(*WORDS)
    store = Store.create(driven.folder / "study.db", space=then.space.described(), oracle=then.oracle, objective=str(then.objective))
    point = next(then.space.points())
    composed = driven.loader.load_configuration("config", overrides(point), RunMode.RUN)
    folder.write_composition(folder.of_trial(driven.folder, 0), composed, overrides(point))
    config = compose(driven, overrides(point))
    store.asked(0, Proposal(point), active_hash(resume.trial_config(config)), {}, Message(0, "start", {}))
    store.told(0, Outcome("FINISHED"), 0.9, {}, Message(0, "end", {}))
    return store


def compose(driven: Driven, words: list[str]):
    return driven.loader.load_configuration("config", words, RunMode.RUN)


def differences(now: Invocation, store: Store, driven: Driven) -> str:
    try:
        resume.check(now, store, lambda words: compose(driven, words))
    except ConfigError as error:
        return str(error)
    return ""


def test_the_same_again_is_taken(asked: Callable, store: Store, driven: Driven) -> None:
    assert differences(asked(*WORDS), store, driven) == ""
    assert differences(asked("data=digits", "optimizer=choice(sgd,adam)", "model.units=range(8,24,8)"), store, driven) == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data=digits", "optimizer=sgd,adam", "model.units=8"), "model.units: 8,16 then,  now"),
        (("data=digits", "optimizer=sgd,adam", "model.units=8,32"), "model.units: 8,16 then, 8,32 now"),
        ((*WORDS, "model.dropout=0,0.5"), "model.dropout:  then, 0,0.5 now"),
        ((*WORDS, "training.epochs=3"), "fixed values: data=digits then, data=digits training.epochs=3 now"),
    ],
)
def test_another_space_is_refused(words: tuple[str, ...], said: str, asked: Callable, store: Store, driven: Driven) -> None:
    now = asked(*words, allow="[space,budget]")
    assert said in differences(now, store, driven)


def test_a_wider_space_wants_a_word(asked: Callable, store: Store, driven: Driven) -> None:
    wider = ("data=digits", "optimizer=sgd,adam,rmsprop", "model.units=8,16")
    assert "optimizer: sgd,adam then, sgd,adam,rmsprop now; allow=[space] takes it" in differences(asked(*wider), store, driven)
    assert differences(asked(*wider, allow="[space]"), store, driven) == ""


def test_a_changed_objective_or_configuration_is_refused(asked: Callable, store: Store, driven: Driven) -> None:
    assert "max:val_accuracy then, min:val_loss now" in differences(asked(*WORDS, objective="val_loss"), store, driven)
    file = folder.of_trial(driven.folder, 0) / ".hydra" / "config.yaml"
    file.write_text(file.read_text().replace("batch_size: 32", "batch_size: 64"))
    store._db.execute("update trial set active_hash = 'that of a batch of 64'")
    assert "training.batch_size: 64 then, 32 now, in trial 1 (data=digits optimizer=sgd model.units=8)" in differences(
        asked(*WORDS), store, driven
    )


def test_another_data_set_is_refused(asked: Callable, store: Store, driven: Driven) -> None:
    store.describe(data_digest="that of other examples")
    assert "the data set is another one" in differences(asked(*WORDS), store, driven)


def test_what_did_not_end_runs_again(asked: Callable, driven: Driven) -> None:
    store = driven.run(units, "model.units=12,13,14,15").store
    for number, state in enumerate(("FINISHED", "FAILED", "RUNNING", "KILLED")):
        store._db.execute("update trial set state = ? where number = ?", (state, number))
    waiting, told, dead = resume.waiting(asked(*WORDS), store)
    assert list(waiting) == [2, 3] and waiting[2].point["model.units"] == "14" and not dead
    assert [one.state for one in told] == ["FINISHED", "FAILED", "RUNNING", "RUNNING"]
    assert list(resume.waiting(asked(*WORDS, retry="failed"), store)[0]) == [1, 2, 3]
    store._db.execute("update trial set attempts = 2 where number >= 2")
    waiting, _, dead = resume.waiting(asked(*WORDS), store)
    assert list(waiting) == [3] and dead == [2], "a trial that was killed on purpose did not kill its process"


def test_two_drivers_on_one_sweep(tmp_path: Path) -> None:
    other = (
        "import sys, pathlib; from src.study.lock import driving\n"
        "with driving(pathlib.Path(sys.argv[1])): print('mine', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "mine\n"
        with pytest.raises(ConfigError, match=f"is being run by process {process.pid} on "), driving(tmp_path):
            pass
        process.kill()
    with driving(tmp_path):
        pass
