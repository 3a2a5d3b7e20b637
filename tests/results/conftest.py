"""The sweep with stub trials of tests/running/."""

from tests.running.conftest import driven  # noqa: F401
