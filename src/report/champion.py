"""Asks the registry which configuration is champion, for its mark in a report."""

import logging
from collections.abc import Mapping

from src.results.leaderboard import Entry, Standing
from src.study import destination

log = logging.getLogger(__name__)
Champion = tuple[str, str]
"""Hash of the configuration without the seed, and digest of the data."""


def champion(meta: Mapping[str, str], standing: Standing, uri: str) -> Champion | None:
    """The champion of the experiment of a study; None if there is none, or nobody can say who it is.

    Args:
        uri: of the store as the user names it; it may hold an account.
    """
    if "experiment" not in meta or not (standing.best and standing.best.origin.data):
        return None
    from src.tracking.registry import Registry  # imports MLflow, seconds

    try:
        registry = Registry(destination.uri_of(dict(meta), uri))
        version = registry.version(meta["experiment"].replace("/", ".").replace(":", "."))
        tags = registry.runs.recorded(str(version.run_id)).tags if version else {}
    except Exception as error:  # a mark must not cost the report
        log.warning("no mark of the champion in the report: %s", error)
        return None
    return (tags.get("trialbook.config_hash", ""), tags.get("trialbook.data_digest", "")) if tags else None


def champion_of(standing: Standing, champion: Champion | None) -> Entry | None:
    """The best entry with the configuration and the data of the champion; None if it is not among them."""
    if not champion or not all(champion):
        return None
    alike = (entry for entry in standing.entries if entry.trials and entry.trials[0].configuration == champion[0])
    return next((entry for entry in alike if entry.origin.data == champion[1]), None)
