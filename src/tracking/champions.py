"""The history of the alias `champion`: events in the tags of the registered model, which outlive its versions.

An event is written before the alias moves, is marked as done afterwards, and is never deleted. It names the champion at the time of
writing, so the history shows which promotions were killed before the alias moved, and when somebody else moved it in between.
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
from src.tracking.paging import every

EVENT = "trialbook.champion."  # + number + time: tag of a registered model; + time: tag of a version, the older form
NUMBERED = re.compile(re.escape(EVENT) + r"\d{6}\.")
NOBODY = "none"


@dataclass(frozen=True)
class Event:
    """One move of the alias `champion`.

    Attributes:
        since: when it was written, UTC.
        version, run: the target of the move.
        old: the version that the alias named before; empty for none.
        how: who moved the alias, and why.
        done: True if the alias is known to have moved.
    """

    since: str
    version: str
    run: str
    old: str
    how: str
    done: bool = False


def begin(client: MlflowClient, name: str, new: ModelVersion, old: str | None, how: str) -> Callable[[], None]:
    """Writes an event before the alias moves; returns a function that marks it as done afterwards."""
    number = 1 + max((int(key.split(".")[2]) for key in _events(client, name)), default=0)
    event = Event(now(), str(new.version), str(new.run_id or ""), old or "", f"{how}, by {getpass.getuser()}")

    def write(event: Event) -> None:
        client.set_registered_model_tag(name, f"{EVENT}{number:06d}.{event.since}", json.dumps(asdict(event), ensure_ascii=False))

    write(event)
    return lambda: write(replace(event, done=True))


def history(client: MlflowClient, name: str, champion: str | None) -> list[dict[str, str]]:
    """Returns who was champion since when, oldest first, without promotions that were killed before the alias moved.

    Args:
        champion: the version that the alias names now.
    """
    versions = {str(version.version): version for version in every(client.search_model_versions, f"name = '{name}'")}
    events = [*_events_of_versions(list(versions.values())), *_events(client, name).values()]
    observed = [(event.old, f"before {event.since}") for event in events]  # the version that the alias named, and when
    observed.append((champion or "", "now"))
    rows = []
    if observed[0][0]:
        rows.append(_row_of_others("", *observed[0], versions))
    for event, (following, moment) in zip(events, observed[1:], strict=True):
        if not event.done and following != event.version and following == event.old:
            continue  # killed before the alias moved
        is_certain = event.done or following == event.version
        how = event.how if is_certain else f"{event.how}; it is not known whether the alias moved"
        rows.append({"since": event.since, "version": event.version, "run": event.run, "how": how})
        if following != event.version:
            rows.append(_row_of_others(event.version, following, moment, versions))
    return rows


def before(rows: list[dict[str, str]], champion: str | None) -> list[str]:
    """Returns the versions that were champion before the present one, latest first, each once."""
    return list(dict.fromkeys(row["version"] for row in reversed(rows) if row["version"] not in (champion, NOBODY)))


def now() -> str:
    """Returns the present time in UTC, as text."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _events(client: MlflowClient, name: str) -> dict[str, Event]:
    """Returns tag → event of a registered model, oldest first.

    Raises:
        TrialbookError: a tag of this name is no event that we wrote.
    """
    tags = client.get_registered_model(name).tags
    events = {}
    for key in sorted(key for key in tags if NUMBERED.match(key)):
        try:
            events[key] = Event(**json.loads(tags[key]))
        except (TypeError, ValueError) as error:
            raise TrialbookError(f"{name}: its tag {key} is no event ({error}); expected one that trialbook wrote.") from error
    return events


def _events_of_versions(versions: list[ModelVersion]) -> Iterator[Event]:
    """Yields the events of the older form, oldest first; all but the last are done, because undone ones were deleted at that time."""
    tags = sorted(
        (key.removeprefix(EVENT), str(version.version), str(version.run_id), how)
        for version in versions
        for key, how in version.tags.items()
        if key.startswith(EVENT)
    )
    old = ""
    for number, (since, version, run, how) in enumerate(tags, 1):
        yield Event(since, version, run, old, how, done=number < len(tags))
        old = version


def _row_of_others(previous: str, version: str, moment: str, versions: dict[str, ModelVersion]) -> dict[str, str]:
    """Returns the row for a change of the alias by somebody else, from `previous` to `version`, which is empty for none."""
    if version:
        how = "alias moved by somebody else"
    elif previous in versions:
        how = "alias deleted by somebody else"
    else:
        how = f"version {previous} deleted by somebody else, and the alias with it"
    run = str(versions[version].run_id or "") if version in versions else ""
    return {"since": moment, "version": version or NOBODY, "run": run, "how": how}
