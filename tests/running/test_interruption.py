import os
import signal

import pytest

from src.running.interruption import Interruption


@pytest.fixture
def in_the_background() -> None:
    """As a script's background jobs are, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_background")
def test_what_was_started_with_sigint_ignored_goes_on_ignoring_it_and_heeds_sigterm() -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert (interruption.draining, interruption.code) == (False, 0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (interruption.stopping, interruption.code) == (True, 143)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
