"""Finds the configuration of the champion in the registry, to mark it in a report."""

import logging
from collections.abc import Mapping

from src.results.leaderboard import Entry, Standing
from src.study import destination

log = logging.getLogger(__name__)
Champion = tuple[str, str]
"""Hash of the configuration without seed and fold, and digest of the data."""


def champion(meta: Mapping[str, str], standing: Standing, uri: str) -> Champion | None:
    """Returns the champion of a study's experiment; None if there is none or the store (the user's `uri`) does not answer."""
    if "experiment" not in meta or not (standing.best and standing.best.origin.data):
        return None
    from src.tracking.registry import Registry  # imports MLflow, seconds

    try:
        tags = Registry(destination.uri_of(meta, uri)).champion_tags(meta["experiment"])
    except Exception as error:  # a missing mark must not cost the report
        log.warning("the champion is not marked in the report: %s", error)
        return None
    return (tags.get("trialbook.config_hash", ""), tags.get("trialbook.data_digest", "")) if tags else None


def champion_of(standing: Standing, champion: Champion | None) -> Entry | None:
    """Returns the best entry with the configuration and the data of the champion; None if it is not among them."""
    if not champion or not all(champion):
        return None
    for entry in standing.entries:
        if entry.trials and (entry.trials[0].configuration, entry.origin.data) == champion:
            return entry
    return None
