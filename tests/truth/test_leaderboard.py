"""What the leaderboard says of sweeps whose truth is known: a short round, and a long one that prints its table."""

import itertools

import pytest

from tests.truth import leaderboard

ROUNDS = 60


@pytest.mark.parametrize(
    "noise", ["normal", "skewed", *(pytest.param(noise, marks=pytest.mark.long) for noise in ("t3", "counts", "half x 3"))]
)
def test_equal_configurations_are_seldom_told_apart(noise: str) -> None:
    for name, found, most in leaderboard.false_tables(ROUNDS, (2, 12), (4,), [noise]):
        assert found <= most, name


def test_intervals_hold_and_pure_noise_gets_no_advice() -> None:
    shapes = [(12, 8, 1), (9, 20, 3)]
    results = (leaderboard.intervals(ROUNDS, (3, 10)), leaderboard.false_advice(ROUNDS, shapes), leaderboard.false_failures(ROUNDS))
    for name, found, most in itertools.chain(*results):
        assert found <= most, name


def test_keys_that_do_not_matter_have_no_importance() -> None:
    for name, found, most in leaderboard.false_importance(3):
        assert found <= most, name


def test_the_best_of_many_is_expected_to_be_less_than_it_scored() -> None:
    for name, bias, then, _, holds in leaderboard.selected(30, [12], [3]):
        assert abs(then) < max(0.6, bias) or "ahead" in name, name
        assert holds > (0.7 if "ahead" in name else 0.85), name


@pytest.mark.long
def test_the_whole_table(capsys: pytest.CaptureFixture[str]) -> None:
    leaderboard.main(400)
    printed = capsys.readouterr().out
    with capsys.disabled():
        print(printed)
    assert "ABOVE" not in printed
