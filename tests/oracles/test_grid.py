from collections.abc import Callable

from src import oracles
from src.objective import Objective
from src.space import Space

OBJECTIVE = Objective("val_accuracy", "max")


def test_every_point_once_in_order_however_many_are_in_flight(space: Callable[..., Space]) -> None:
    asked = space("optimizer=sgd,adam", "optimizer.momentum=0.8,0.9", "model.units=8,16", "training.epochs=2")
    points = list(asked.points())
    for in_flight in (1, 3, len(points)):
        oracle, seen, running = oracles.create(asked, OBJECTIVE), [], []
        while (point := oracle.ask(len(seen))) is not None:
            running.append(len(seen))
            seen.append(point)
            if len(running) == in_flight:
                oracle.tell(running.pop(0), 0.5)
        assert seen == points
        assert oracle.exhausted()


def test_failures_in_a_row_do_not_end_the_search(space: Callable[..., Space]) -> None:
    oracle = oracles.create(space("model.units=range(1,9)"), OBJECTIVE)
    for number in range(8):
        assert oracle.ask(number)
        oracle.tell(number, None)
    assert oracle.ask(8) is None


def test_nothing_is_written(space: Callable[..., Space], tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    oracle = oracles.create(space("model.units=1,2"), OBJECTIVE)
    oracle.ask(0)
    oracle.tell(0, 0.5)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""
