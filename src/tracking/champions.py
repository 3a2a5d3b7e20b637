"""Who was champion: events in the tags of the registered model, where they outlive its versions. None is ever deleted.

An event is written before the alias moves, and marked as done afterwards. Each says who was champion when it was written, so that
the history can tell what was killed before the alias moved, and that somebody else moved it in between.
"""

import getpass
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from src.errors import TrialbookError
from src.tracking.pages import every

EVENT = "trialbook.champion."  # + number + time: tag of a registered model; + time: tag of a version, as was written before
NUMBERED = re.compile(re.escape(EVENT) + r"\d{6}\.")
NOBODY = "none"


@dataclass(frozen=True)
class Event:
    """One move of the alias `champion`.

    Attributes:
        since: UTC.
        version, run: that it was to name.
        old: the version that it named before; empty for none.
        how: who moved it, and why.
        done: whether the alias is known to have moved.
    """

    since: str
    version: str
    run: str
    old: str
    how: str
    done: bool = False


def begin(client: MlflowClient, name: str, new: ModelVersion, old: str | None, how: str) -> Callable[[], None]:
    """Writes an event before the alias moves; what is returned marks it as done afterwards."""
    number = 1 + max((int(key.split(".")[2]) for key in _tags(client, name)), default=0)
    event = Event(now(), str(new.version), str(new.run_id or ""), old or "", f"{how}, by {getpass.getuser()}")

    def write(event: Event) -> None:
        client.set_registered_model_tag(name, f"{EVENT}{number:06d}.{event.since}", json.dumps(asdict(event), ensure_ascii=False))

    write(event)
    return lambda: write(replace(event, done=True))


def history(client: MlflowClient, name: str, champion: str | None) -> list[dict[str, str]]:
    """Who was champion since when, oldest first; what was killed before the alias moved never was.

    Args:
        champion: the version that the alias names now.
    """
    versions = {str(one.version): one for one in every(client.search_model_versions, f"name = '{name}'")}
    events = [*_of_versions(list(versions.values())), *_tags(client, name).values()]
    found = [*((event.old, f"before {event.since}") for event in events), (champion or "", "now")]  # what each event found, and now
    rows = [_by_others("", *found[0], versions)] if found[0][0] else []
    for event, (later, moment) in zip(events, found[1:], strict=True):
        if not event.done and later != event.version and later == event.old:
            continue
        maybe = "" if event.done or later == event.version else "; it is not known whether the alias moved"
        rows.append({"since": event.since, "version": event.version, "run": event.run, "how": event.how + maybe})
        if later != event.version:
            rows.append(_by_others(event.version, later, moment, versions))
    return rows


def before(rows: list[dict[str, str]], champion: str | None) -> list[str]:
    """The versions that were champion before the present one, the latest first, each once."""
    return list(dict.fromkeys(row["version"] for row in reversed(rows) if row["version"] not in (champion, NOBODY)))


def now() -> str:
    """The time, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _tags(client: MlflowClient, name: str) -> dict[str, Event]:
    """Key → event, oldest first.

    Raises:
        TrialbookError: somebody else wrote such a tag.
    """
    tags, found = client.get_registered_model(name).tags, {}
    for key in sorted(key for key in tags if NUMBERED.match(key)):
        try:
            found[key] = Event(**json.loads(tags[key]))
        except (TypeError, ValueError) as error:
            raise TrialbookError(f"{name}: its tag {key} is no event ({error}); expected one that trialbook wrote.") from error
    return found


def _of_versions(versions: list[ModelVersion]) -> Iterator[Event]:
    """The events of versions, oldest first: all but the last are known to be true, for the false ones were deleted then."""
    found = sorted(
        (key.removeprefix(EVENT), str(one.version), str(one.run_id), text)
        for one in versions
        for key, text in one.tags.items()
        if key.startswith(EVENT)
    )
    old = ""
    for number, (since, version, run, how) in enumerate(found, 1):
        yield Event(since, version, run, old, how, done=number < len(found))
        old = version


def _by_others(was: str, found: str, moment: str, versions: dict[str, ModelVersion]) -> dict[str, str]:
    """The row that says what somebody else did to the alias."""
    if not found:
        how = "alias deleted by somebody else" if was in versions else f"version {was} deleted by somebody else, and the alias with it"
    else:
        how = "alias moved by somebody else"
    run = str(versions[found].run_id or "") if found in versions else ""
    return {"since": moment, "version": found or NOBODY, "run": run, "how": how}
