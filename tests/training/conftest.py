import pytest


@pytest.fixture(autouse=True)
def no_pictures(no_pictures: None) -> None:
    """None of these tests looks at one."""
