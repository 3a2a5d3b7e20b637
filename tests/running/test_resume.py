"""Going on with a sweep: what is refused, what is taken, and what runs again."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.config_loader import ConfigLoader

from src.config.composer import Composer
from src.errors import ConfigError
from src.job import Outcome
from src.objective import Objective
from src.oracles import Proposal
from src.results.identity import recorded_values
from src.running import resume
from src.running.invocation import Invocation
from src.space import active_hash, overrides
from src.study import folders
from src.study.lock import driving
from src.study.schema import Identity
from src.study.store import Message, Store
from tests.running.conftest import Driven, units

WORDS = ("data=digits", "optimizer=sgd,adam", "model.units=8,16")


@pytest.fixture
def asked(loader: ConfigLoader, space: Callable, tmp_path: Path) -> Callable[..., Invocation]:
    def make(*words: str, **settings: object) -> Invocation:
        config = Composer(loader)([f"{key}={value}" for key, value in settings.items()])
        return Invocation(space(*words), config, Objective.parse(config.objective), None, [], False, tmp_path)

    return make


@pytest.fixture
def store(asked: Callable[..., Invocation], driven: Driven) -> Store:
    """A study in which the first trial of WORDS finished."""
    then = asked(*WORDS)
    store = Store.create(driven.folder / "study.db", space=then.space.described(), oracle=then.oracle, objective=str(then.objective))
    point = next(then.space.points())
    composed = Composer(driven.loader)(overrides(point))
    folders.write_composition(folders.of_trial(driven.folder, 0), composed, overrides(point))
    config = compose(driven, overrides(point))
    store.start_trial(0, Proposal(point), active_hash(resume.trial_config(config)), {}, Message(0, "start", {}))
    store.end_trial(0, Outcome("FINISHED"), 0.9, {}, Message(0, "end", {}))
    return store


def compose(driven: Driven, words: list[str]):
    return Composer(driven.loader)(words)


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


def test_a_setting_that_did_not_exist_has_the_value_of_what_was_done_then(asked: Callable) -> None:
    """Hyperband drew at random before oracle.sampler was there: a resumed study may go on so, and says how."""
    before = {key: value for key, value in asked(*WORDS, oracle="hyperband").oracle.items() if key not in ("first", "sampler")}
    [(kind, line)] = resume._oracle(asked(*WORDS, oracle="hyperband"), before)
    assert (kind, line) == (
        "",
        "oracle.sampler: random then, bayesian now; expected oracle.sampler=random: the sweep is older than this setting",
    )
    assert not list(resume._oracle(asked(*WORDS, oracle="hyperband", **{"oracle.sampler": "random"}), before))


def test_hyperband_goes_on_with_more_iterations_but_not_with_other_epochs(asked: Callable) -> None:
    """The first rung of a bracket that had begun would have trials of one epoch, and others of three."""
    then = asked(*WORDS, oracle="hyperband").oracle
    [(kind, line)] = resume._oracle(asked(*WORDS, oracle="hyperband", **{"oracle.iterations": 2}), then)
    assert (kind, line) == ("budget", "oracle.iterations: 1 then, 2 now")
    [(kind, line)] = resume._oracle(asked(*WORDS, oracle="hyperband", **{"oracle.max_epochs": 60}), then)
    assert kind == "" and line.startswith("oracle.max_epochs: 20 then, 60 now; expected more oracle.iterations")
    [(kind, _)] = resume._oracle(asked(*WORDS, oracle="asha", **{"oracle.max_epochs": 60}), asked(*WORDS, oracle="asha").oracle)
    assert kind == "budget"


def test_other_limits_are_told_as_they_are_typed(asked: Callable, store: Store, driven: Driven) -> None:
    told = differences(asked(*WORDS, limits="{model/parameters:1e5}"), store, driven)
    assert "limits: null then, {model/parameters:100000.0} now; expected limits=null, or a new sweep" in told


def test_a_wider_space_wants_a_word(asked: Callable, store: Store, driven: Driven) -> None:
    wider = ("data=digits", "optimizer=sgd,adam,rmsprop", "model.units=8,16")
    assert "optimizer: sgd,adam then, sgd,adam,rmsprop now; allow=[space] takes it" in differences(asked(*wider), store, driven)
    assert differences(asked(*wider, allow="[space]"), store, driven) == ""


def test_a_changed_objective_or_configuration_is_refused(asked: Callable, store: Store, driven: Driven) -> None:
    assert "max:val_accuracy then, min:val_loss now" in differences(asked(*WORDS, objective="val_loss"), store, driven)
    file = folders.of_trial(driven.folder, 0) / ".hydra" / "config.yaml"
    file.write_text(file.read_text().replace("batch_size: 32", "batch_size: 64"))
    store._db.execute("update trial set active_hash = 'that of a batch of 64'")
    assert "training.batch_size: 64 then, 32 now, in trial 1 (data=digits optimizer=sgd model.units=8)" in differences(
        asked(*WORDS), store, driven
    )


def test_another_data_set_is_refused(asked: Callable, store: Store, driven: Driven) -> None:
    store.describe(data_digest="that of other examples")
    assert "the data set is another one" in differences(asked(*WORDS), store, driven)


def add(store: Store, driven: Driven, number: int, *words: str, **facts: str) -> None:
    """A trial that finished, with its composition."""
    point = dict(word.split("=") for word in words)
    composed = compose(driven, list(words))
    folders.write_composition(folders.of_trial(driven.folder, number), composed, list(words))
    config = resume.trial_config(composed)
    identity = Identity(active_hash(config, repeats=False), "3f2a", "keras 3.12.0", recorded_values(config, composed.hydra.runtime.choices))
    store.start_trial(number, Proposal(point), active_hash(config), {}, Message(number, "start", {}), identity)
    store.end_trial(number, Outcome("FINISHED", facts=facts), 0.9, {}, Message(number, "end", {}))


def test_a_change_is_found_where_only_some_trials_of_an_option_have_it(asked: Callable, store: Store, driven: Driven) -> None:
    add(store, driven, 1, "data=digits", "optimizer=sgd", "model.units=16", "training.epochs=3")
    before = store.trials()[1].configuration
    store._db.execute("update trial set active_hash = 'x', config_hash = 'x', configuration = ?", (json.dumps(before | {"seed": 41}),))
    add(store, driven, 2, "data=digits", "optimizer=sgd", "model.units=16", "training.epochs=3", "seed=42")
    assert "seed: 41 then, 42 now, in trial 2 (data=digits optimizer=sgd model.units=16 training.epochs=3)" in differences(
        asked(*WORDS), store, driven
    )


def test_a_hash_of_an_older_version_is_no_change(asked: Callable, store: Store, driven: Driven) -> None:
    store._db.execute("update trial set active_hash = 'written otherwise', config_hash = null")
    assert differences(asked(*WORDS), store, driven) == ""
    (folders.of_trial(driven.folder, 0) / ".hydra" / "config.yaml").unlink()
    assert "config.yaml does not exist" in differences(asked(*WORDS), store, driven)


def test_every_data_set_of_a_sweep_is_looked_at(asked: Callable, store: Store, driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume.datasets, "load", lambda node: SimpleNamespace(digest=f"of {node['split_seed']}"))
    store._db.execute("delete from trial")
    store.describe(data_digest="of 1")
    for number, digest in ((1, "of 1"), (2, "of 2")):
        add(store, driven, number, "data=digits", f"data.split_seed={number}", data_digest=digest)
    assert differences(asked(*WORDS), store, driven) == ""
    store._db.execute("update trial set data_digest = 'of other examples' where number = 2")
    assert "the data set is another one than then; expected the same examples and split, in trial 3" in differences(
        asked(*WORDS), store, driven
    )


def test_other_code_is_told_in_a_line(store: Store, driven: Driven) -> None:
    store._db.execute("delete from trial")
    add(store, driven, 0, "data=digits", "model.units=8")
    tags = {"trialbook.code": "3f2a", "trialbook.versions": "python 3.12.1, keras 3.12.0"}
    assert resume.other_code(store, tags) == []
    assert resume.other_code(store, tags | {"trialbook.code": "77ab"}) == [
        "other code than in the first 1 trials: their results and the new ones are rows of their own"
    ]
    assert "other packages than" in resume.other_code(store, tags | {"trialbook.versions": "keras 3.13.0"})[0]


def test_what_did_not_end_runs_again(asked: Callable, driven: Driven) -> None:
    store = driven.run(units, "model.units=12,13,14,15").recorder.store
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
