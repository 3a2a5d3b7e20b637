"""Races whose truth is known: equal configurations are seldom told apart, the right one wins, at a cost that is known; and a long round."""

import math

import pytest

from tests.truth import races

ROUNDS = 100
KNOWN = {("skewed", 2, 4.0): 0.17}  # two of which one is four times as skewed: no test of means holds 5 % with so few seeds


def most(share: float, rounds: int) -> float:
    """The share that one of forty simulations exceeds whose truth is `share`."""
    return share + 1.96 * math.sqrt(share * (1 - share) / rounds)


@pytest.mark.parametrize("noise", ["normal", *(pytest.param(noise, marks=pytest.mark.long) for noise in races.NOISES if noise != "normal")])
def test_equal_configurations_are_seldom_told_apart(noise: str) -> None:
    for count in (2, 6):
        wrong, _, _ = races.row(count, 0.0, noise, ROUNDS)
        assert wrong <= most(0.05, ROUNDS), count


def test_the_right_one_wins_at_a_lead_of_two_spreads() -> None:
    for count in (2, 6, 12):
        wrong, won, cost = races.row(count, 2.0, "normal", ROUNDS)
        assert wrong <= 0.01 and won >= 0.95 and cost <= 0.47, count


@pytest.mark.long
def test_the_whole_table(capsys: pytest.CaptureFixture[str]) -> None:
    rounds = 1000
    with capsys.disabled():
        found = list(races.rows(rounds))
    for noise, count, ratio, lead, wrong, won, cost in found:
        assert wrong <= most(KNOWN.get((noise, count, ratio), 0.055), rounds), (noise, count, ratio, lead)
        if noise == "normal" and ratio == 1.0 and lead:
            assert won >= 0.95 and cost <= 0.45, count
