"""The openings of a test split are counted over everything that a store knows, whoever opens it."""

import threading

import pytest
from mlflow import MlflowClient

from src.tracking import openings

SPLIT, OTHER = "5f" * 32, "a0" * 32


@pytest.fixture
def client(store_uri: str) -> MlflowClient:
    return MlflowClient(store_uri)


@pytest.fixture
def shoes(client: MlflowClient) -> str:
    return client.create_experiment("shoes")


def test_every_pair_of_models_is_an_opening_once(client: MlflowClient, shoes: str) -> None:
    pairs = [("a", None), ("b", None), ("b", "a"), ("a", "b"), ("c", "a")]
    assert [openings.number(client, shoes, SPLIT, *pair) for pair in pairs] == [1, 2, 3, 4, 5]
    assert [openings.number(client, shoes, SPLIT, *pair) for pair in pairs] == [1, 2, 3, 4, 5]
    assert openings.number(client, shoes, OTHER, "a", None) == 1, "of another test split"


def test_other_experiments_count_even_deleted_ones(client: MlflowClient, shoes: str) -> None:
    boots = client.create_experiment("boots")
    assert openings.number(client, shoes, SPLIT, "a", None) == 1
    assert openings.number(client, boots, SPLIT, "b", None) == 2
    client.delete_experiment(boots)
    assert openings.number(client, shoes, SPLIT, "c", "a") == 3


def test_what_an_earlier_version_counted_for_each_sweep_is_counted(client: MlflowClient, shoes: str) -> None:
    for count in ("4", "2"):
        client.create_run(shoes, tags={"trialbook.test_openings": count})
    client.create_run(client.create_experiment("boots"), tags={"trialbook.test_openings": "9"})
    assert openings.number(client, shoes, SPLIT, "a", None) == 7
    assert openings.number(client, shoes, SPLIT, "b", "a") == 8


def test_an_opening_that_was_killed_is_spent(client: MlflowClient, shoes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = client.set_experiment_tag

    def dying(*tag: str) -> None:
        written(*tag)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(client, "set_experiment_tag", dying)
        openings.number(client, shoes, SPLIT, "a", None)
    assert openings.number(client, shoes, SPLIT, "b", None) == 2
    assert openings.number(client, shoes, SPLIT, "a", None) == 2, "the lower number is not given again"


def test_of_two_at_once_only_one_may_get_the_lower_number(store_uri: str, shoes: str) -> None:
    meet, found = threading.Barrier(2), []

    class Meeting(MlflowClient):
        """Both have written before either counts."""

        def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
            super().set_experiment_tag(experiment_id, key, value)
            if value.startswith("?"):
                meet.wait(60)

    def opening(run: str) -> None:
        found.append(openings.number(Meeting(store_uri), shoes, SPLIT, run, None))

    both = [threading.Thread(target=opening, args=(run,)) for run in "ab"]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert found == [2, 2]
