"""Counts the openings of each test split, over all sweeps, experiments and people of a store.

An opening is a tag of the challenger's experiment that names the split and the two models. Tags are only added, each is written before
the test examples are used, and is counted afterwards. So two people at once need no lock, which a server does not offer: both may get
the higher number, never both the lower one. A process that is killed in between has spent an opening.
"""

import getpass

from mlflow import MlflowClient
from mlflow.entities import ViewType

from src.tracking.champions import NOBODY, now
from src.tracking.paging import every

TAG = "trialbook.opening."  # + DIGITS of the split's digest + run of the challenger + run of the champion: number, time, user
DIGITS = 16
EARLIER = "trialbook.test_openings"  # tag of a sweep, or of a single run: openings by a Trialbook that counted them for each sweep


def number(client: MlflowClient, experiment_id: str, split: str, challenger: str, champion: str | None) -> int:
    """Returns the number of an opening, from 1, and records it. The same two models on the same split are the same opening.

    Args:
        experiment_id: of the challenger. What earlier versions counted in it is counted, too, for any split.
        split: SHA-256 of the test examples.
        challenger, champion: ids of their runs; None for no champion.
    """
    prefix = f"{TAG}{split[:DIGITS]}."
    key = f"{prefix}{challenger}.{champion or NOBODY}"
    known = _tags(client, prefix).get(key, "").partition(" ")[0]
    if known.isdigit():
        return int(known)
    by = f"{now()} by {getpass.getuser()}"
    client.set_experiment_tag(experiment_id, key, f"? {by}")
    found = len(_tags(client, prefix)) + _earlier(client, experiment_id)
    client.set_experiment_tag(experiment_id, key, f"{found} {by}")
    return found


def _tags(client: MlflowClient, prefix: str) -> dict[str, str]:
    """Returns the tags of one split in all experiments, deleted ones included."""
    found = every(client.search_experiments, view_type=ViewType.ALL)
    return {key: value for experiment in found for key, value in experiment.tags.items() if key.startswith(prefix)}


def _earlier(client: MlflowClient, experiment_id: str) -> int:
    wanted = f"tags.`{EARLIER}` LIKE '%'"
    found = every(client.search_runs, [experiment_id], filter_string=wanted, run_view_type=ViewType.ALL)
    counts = [run.data.tags[EARLIER] for run in found]
    return sum(int(count) for count in counts if count.isdigit())
