"""Stacks on a device whose memory does not suffice."""
# ruff: noqa: F811  tests take the fixture that is imported

from pathlib import Path

import pytest
import tensorflow as tf

from src import trial
from src.executors import fused
from src.executors.fused import Fused
from src.job import Job
from src.training import lane_memory
from src.training.stack import Stack
from tests.executors.test_fused import DROPS, FEW_STEPS, KEEPS, Compose, alone, assert_equal, made, pytestmark, together  # noqa: F401  a fixture


def test_where_memory_does_not_suffice_the_batch_is_split(
    compose: Compose, tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [compose(FEW_STEPS, *DROPS, f"seed={seed}") for seed in (1, 2, 3, 4)]
    whole = Stack.epoch

    def scarce(self: Stack, *given: dict) -> dict:
        if self.lanes > 2:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return whole(self, *given)

    monkeypatch.setattr(Stack, "epoch", scarce)
    for found, config in zip(together(configs, tmp_path), configs, strict=True):
        assert_equal(found, alone(config, tmp_path))
    assert made == [4, 2]


def test_no_epoch_is_trained_twice_where_memory_does_not_suffice_after_it(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scarce(*_: object) -> dict:
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(Stack, "read", scarce)
    found = together([compose(FEW_STEPS, *DROPS, f"seed={seed}") for seed in (1, 2)], tmp_path)
    assert [one.state for one in found] == ["FAILED"] * 2 and "out of memory" in found[0].cause


def test_no_more_are_stacked_or_prepared_than_a_gpus_memory_has_room_for(
    compose: Compose, tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [compose(FEW_STEPS, *KEEPS, f"seed={seed}") for seed in (1, 2, 3, 4, 5)]
    prepared = trial.prepare(configs[0])
    needed = lane_memory.bytes_of(prepared.model, prepared.data, prepared.schedule)
    assert 10 < needed / (4 * prepared.model.count_params()) < 1000
    monkeypatch.setattr(fused, "memory_of_gpu", lambda: 2.5 / fused.SHARE * needed)
    most, own = [], Fused._prepare

    def prepare(self: Fused, job: Job) -> bool:
        done = own(self, job)
        most.append(len(self._waiting) + len(self._batch.members if self._batch else ()))
        return done

    monkeypatch.setattr(Fused, "_prepare", prepare)
    assert [one.state for one in together(configs, tmp_path)] == ["FINISHED"] * 5
    assert set(made) == {2} and max(most) == 2
