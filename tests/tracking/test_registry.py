"""The registry without a trained model: who was champion, whatever people and kills do to aliases and versions."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from src.errors import TrialbookError
from src.tracking import registry as module
from src.tracking import served
from src.tracking.paging import every
from src.tracking.registry import Registry
from src.tracking.runs import StoredRun


@pytest.fixture
def loading(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Rolls back where the given versions cannot be loaded."""

    def rollback(*broken: str) -> tuple[str, list[str]]:
        def load(run: SimpleNamespace, _: object) -> None:
            if run.run_id in [f"run{version}" for version in broken]:
                raise TrialbookError("its weights are others")

        return registry.rollback("digits", load)

    monkeypatch.setattr(registry.runs, "read", lambda run_id: SimpleNamespace(run_id=run_id, digest=""))
    monkeypatch.setattr(module.served, "whole", lambda *_: nullcontext(Path()))
    return rollback


def told(registry: Registry) -> list[tuple[str, str]]:
    """Version and the beginning of how, of each row."""
    return [(row["version"], row["how"].partition(",")[0]) for row in registry.history("digits")]


def promoted(registry: Registry, *versions: str) -> None:
    for version in versions:
        assert registry.promote("digits", version, registry._champion("digits"), f"promoted {version}")


def killed(registry: Registry, version: str, monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    """A promotion that dies after some of its two moves of an alias."""
    client = registry._client
    writes = {name: getattr(client, name) for name in ("set_registered_model_tag", "set_registered_model_alias")}
    left = iter([1] * (1 + moves))  # the event is written first

    def dying(name: str) -> Callable[..., None]:
        return lambda *arguments: writes[name](*arguments) if next(left, 0) else (_ for _ in ()).throw(KeyboardInterrupt)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        for name in writes:
            patch.setattr(client, name, dying(name))
        registry.promote("digits", version, registry._champion("digits"), f"killed {version}")


def test_the_history_says_that_somebody_else_moved_the_alias(registry: Registry, loading: Callable) -> None:
    promoted(registry, "1", "2")
    registry._client.set_registered_model_alias("digits", "champion", "3")
    kept = [("1", "promoted 1"), ("2", "promoted 2"), ("3", "alias moved by somebody else")]
    assert told(registry) == kept
    promoted(registry, "4")
    assert told(registry) == [*kept, ("4", "promoted 4")]
    rows = registry.history("digits")
    assert rows[2]["since"].startswith("before 20") and [row["run"] for row in rows] == ["run1", "run2", "run3", "run4"]
    assert loading()[0] == "3"


def test_an_alias_that_was_moved_back_by_hand_is_no_killed_promotion(registry: Registry) -> None:
    promoted(registry, "1", "2")
    registry._client.set_registered_model_alias("digits", "champion", "1")
    assert told(registry) == [("1", "promoted 1"), ("2", "promoted 2"), ("1", "alias moved by somebody else")]


def test_a_deleted_alias_loses_no_history_and_rollback_finds_the_last_champion(registry: Registry, loading: Callable) -> None:
    promoted(registry, "1", "2")
    registry._client.delete_registered_model_alias("digits", "champion")
    assert told(registry)[2:] == [("none", "alias deleted by somebody else")]
    assert loading() == ("2", [])
    assert told(registry)[2:] == [("none", "alias deleted by somebody else"), ("2", "rollback")]


def test_a_deleted_version_loses_no_history_and_rollback_passes_it_over(registry: Registry, loading: Callable) -> None:
    promoted(registry, "1", "2", "3")
    registry._client.delete_model_version("digits", "2")
    assert told(registry) == [("1", "promoted 1"), ("2", "promoted 2"), ("3", "promoted 3")]
    assert [row["run"] for row in registry.history("digits")] == ["run1", "run2", "run3"]
    with pytest.raises(MlflowException):
        registry._client.get_model_version("digits", "2")
    assert loading("2")[0] == "1"
    registry._client.delete_model_version("digits", "1")
    assert told(registry)[-1] == ("none", "version 1 deleted by somebody else")
    assert loading("2")[0] == "3"


def test_a_rollback_goes_on_to_one_that_loads_or_refuses_and_moves_nothing(registry: Registry, loading: Callable) -> None:
    promoted(registry, "1", "2", "3")
    with pytest.raises(TrialbookError, match=r"no previous champion(?s:.*)version 2 is passed over(?s:.*)version 1 is passed over"):
        loading("1", "2")
    assert registry._champion("digits") == "3" and len(told(registry)) == 3
    version, skipped = loading("2")
    assert version == "1" == registry._champion("digits") and "version 2 is passed over, it cannot be loaded: its weights" in skipped[0]
    assert told(registry)[-1] == ("1", "rollback from version 3")


@pytest.mark.parametrize(("moves", "champion"), [(0, "1"), (1, "1"), (2, "2")])
def test_a_kill_makes_no_false_champion(registry: Registry, monkeypatch: pytest.MonkeyPatch, moves: int, champion: str) -> None:
    promoted(registry, "1")
    killed(registry, "2", monkeypatch, moves)
    was = [("1", "promoted 1"), *([("2", "killed 2")] if champion == "2" else [])]
    assert registry._champion("digits") == champion and told(registry) == was
    keys = set(registry._client.get_registered_model("digits").tags)
    promoted(registry, "3")
    assert told(registry) == [*was, ("3", "promoted 3")]
    assert keys < set(registry._client.get_registered_model("digits").tags), "events are never deleted"


def test_where_a_kill_and_somebody_else_meet_the_history_does_not_claim_to_know(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(registry, "1")
    killed(registry, "2", monkeypatch, 0)
    registry._client.set_registered_model_alias("digits", "champion", "4")
    assert registry.history("digits")[1]["how"].endswith("it is not known whether the alias moved")
    assert told(registry)[2:] == [("4", "alias moved by somebody else")]


def test_a_champion_without_events_was_set_by_somebody_else(registry: Registry) -> None:
    assert registry.history("digits") == []
    registry._client.set_registered_model_alias("digits", "champion", "2")
    assert told(registry) == [("2", "alias moved by somebody else")]
    promoted(registry, "3")
    assert told(registry) == [("2", "alias moved by somebody else"), ("3", "promoted 3")]


@pytest.mark.parametrize(("champion", "last"), [("2", [("2", "second")]), ("1", [])])
def test_events_that_are_tags_of_versions_stay_readable(registry: Registry, champion: str, last: list) -> None:
    for version, since, how in (("1", "2026-01-01", "first, by a"), ("2", "2026-01-02", "second, by b")):
        registry._client.set_model_version_tag("digits", version, f"trialbook.champion.{since}", how)
    registry._client.set_registered_model_alias("digits", "champion", champion)
    assert told(registry) == [("1", "first"), *last]
    promoted(registry, "3")
    assert told(registry) == [("1", "first"), *last, ("3", "promoted 3")]


def test_a_clock_that_was_set_back_does_not_change_the_order(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(registry, "1")
    monkeypatch.setattr("src.tracking.champions.now", lambda: "1999-01-01 00:00:00.000000")
    promoted(registry, "2")
    assert [version for version, _ in told(registry)] == ["1", "2"]


def test_a_tag_that_is_no_event_is_refused_by_name(registry: Registry) -> None:
    registry._client.set_registered_model_tag("digits", "trialbook.champion.000001.x", "nonsense")
    with pytest.raises(TrialbookError, match=r"its tag trialbook\.champion\.000001\.x is no event"):
        registry.history("digits")


def test_all_pages_of_a_search_are_read(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    found = every(registry._client.search_model_versions, "name = 'digits'", max_results=1)
    assert sorted(one.version for one in found) == [1, 2, 3, 4]
    models = [SimpleNamespace(name=f"m{number:03}") for number in range(105)]

    def search(page_token: str | None = None) -> PagedList:
        start = int(page_token or 0)
        return PagedList(models[start : start + 100], str(start + 100) if start + 100 < len(models) else None)

    monkeypatch.setattr(registry._client, "search_registered_models", search)
    assert registry.names == [model.name for model in models]


def test_a_store_that_does_not_answer_is_not_one_without_a_champion(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry._client, "get_model_version_by_alias", Mock(side_effect=MlflowException("no answer")))
    with pytest.raises(MlflowException, match="no answer"):
        registry.version("digits")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda place: (place / "code/src/trial.py").unlink(), "champion/ has no code/src/trial.py"),
        (lambda place: (place / "artifacts/model.weights.h5").write_bytes(b"other"), "model.weights.h5 was changed"),
        (lambda place: place.rename(place.with_name("gone")), "champion/ cannot be read"),
    ],
)
def test_a_registered_model_that_is_not_whole_is_not_loaded(change: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    place = tmp_path / "champion"
    for file in served.NEEDED:
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(b"")

    def download(*_: str) -> str:
        if not place.exists():
            raise OSError("there is no such folder")
        return str(place)

    client = SimpleNamespace(download_artifacts=download)
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with served.whole(client, "r", digest) as artifacts:
        assert (artifacts / "interface.json").is_file()
    change(place)
    with pytest.raises(TrialbookError, match=message), served.whole(client, "r", digest):
        pass


def test_an_experiment_of_data_in_a_folder_has_a_model_whose_name_mlflow_takes() -> None:
    assert StoredRun.model.fget(SimpleNamespace(experiment="mine/small")) == "mine.small"
    assert StoredRun.model.fget(SimpleNamespace(experiment="of: mine")) == "of. mine"


def test_of_two_promoters_one_must_decide_again(registry: Registry) -> None:
    assert registry.promote("digits", "1", None, "first")
    assert not registry.promote("digits", "2", None, "second, decided against no champion")
    assert str(registry.version("digits").version) == "1"


def test_a_promotion_that_was_killed_before_the_alias_moved_never_was(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.promote("digits", "1", None, "first")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(registry._client, "set_registered_model_alias", Mock(side_effect=KeyboardInterrupt))
        registry.promote("digits", "2", "1", "killed")
    assert str(registry.version("digits").version) == "1"
    with pytest.raises(TrialbookError, match="no previous champion"):
        registry.rollback("digits", Mock())
    assert registry.promote("digits", "3", "1", "third")
    assert [event["version"] for event in registry.history("digits")] == ["1", "3"]
