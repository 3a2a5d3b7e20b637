"""Keys of points are plain; the `+` of a key that conf/ does not list reaches Hydra, and is stored as earlier versions stored it."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from src.objective import Objective
from src.oracles import Proposal, create
from src.results.leaderboard import Standing, TrialResult
from src.space import Point, Space, overrides
from src.study.instructions import ADD
from src.study.store import Message, Store

ADDED = {"optimizer": "adam", "+optimizer.clipnorm": "1", "++seed": "3"}
PLAIN = {"optimizer": "adam", "optimizer.clipnorm": "1", "seed": "3"}
WORDS = ["optimizer=adam", "+optimizer.clipnorm=1", "++seed=3"]


def test_a_study_stores_a_point_as_earlier_versions_did_and_reads_it_plain(tmp_path: Path) -> None:
    with closing(Store.create(tmp_path / "study.db")) as store:
        store.start_trial(0, Proposal(Point.read(ADDED)), "hash", {}, Message(0, "start", {}))
        store.instruct(ADD, point=Point.read(ADDED))
        assert store._read("select overrides from trial")[0][0] == '{"optimizer": "adam", "+optimizer.clipnorm": "1", "++seed": "3"}'
        [waiting] = store.unheard(ADD)
        for point in (store.trials()[0].point, waiting.payload["point"], *store.added()):
            assert point == PLAIN and overrides(point) == WORDS


def test_a_point_of_a_space_has_plain_keys(space: Callable[..., Space]) -> None:
    found = list(space("data=digits", "optimizer=sgd,adam", "+optimizer.clipnorm=1").points())
    assert found[1] == {"data": "digits", "optimizer": "adam", "optimizer.clipnorm": "1"}
    assert overrides(found[1]) == ["data=digits", "+optimizer.clipnorm=1", "optimizer=adam"]


def test_a_trial_that_goes_on_keeps_its_added_keys(space: Callable[..., Space]) -> None:
    settings = {"max_trials": 2, "max_epochs": 2, "min_epochs": 1, "factor": 2, "sampler": "random", "seed": 0}
    where = {"_target_": "src.oracles.asha.Asha", **settings}
    oracle = create(space("data=digits", "optimizer=adam", "+optimizer.clipnorm=1,2"), Objective("val_accuracy", "max"), where)
    for number in range(2):
        oracle.ask(number)
        oracle.tell(number, 0.5)
    longer = oracle.ask(2)
    assert longer.parent is not None and longer.point["training.epochs"] == "2"
    assert any(word.startswith("+optimizer.clipnorm=") for word in overrides(longer.point))


def test_seeds_that_are_forced_with_two_plus_signs_repeat_a_configuration() -> None:
    points = [Point.read({**ADDED, "++seed": str(seed)}) for seed in (1, 2)]
    ended = [TrialResult(n, point, str(n), None, "FINISHED", "", 0.5, 1, 0.5, 1.0) for n, point in enumerate(points)]
    found = Standing.of(ended, Objective("val_accuracy", "max"), 0)
    assert [found.words(entry) for entry in found.entries] == [WORDS[:2]]
