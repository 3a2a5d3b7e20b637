import pytest

from src.errors import TrialError
from src.training import runtime


def test_another_number_of_threads_in_the_same_process_is_refused() -> None:
    runtime.configure(1)
    runtime.tensorflow().constant(1.0)
    with pytest.raises(TrialError, match=r"training\.threads=2, but this process runs with 1"):
        runtime.configure(2)


def test_the_device_has_a_name() -> None:
    gpus = runtime.tensorflow().config.list_physical_devices("GPU")
    assert (runtime.device() == "CPU") is (not gpus)
