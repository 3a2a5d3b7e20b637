"""A registry with versions that nobody trained, and a tracker of an empty store."""

import pytest
from mlflow import MlflowClient

from src.tracking.registry import Registry
from src.tracking.tracker import MlflowTracker


@pytest.fixture
def registry(store_uri: str) -> Registry:
    """With four versions of digits, none of them champion, each of a run named after it."""
    client = MlflowClient(store_uri)
    client.create_registered_model("digits")
    for number in range(1, 5):
        client.create_model_version("digits", "runs:/x/champion", f"run{number}")
    return Registry(store_uri)


@pytest.fixture
def tracker(store_uri: str) -> MlflowTracker:
    return MlflowTracker(store_uri, "digits")
