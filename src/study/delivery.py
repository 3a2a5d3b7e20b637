"""Delivers the waiting records of a sweep that does not run."""

from contextlib import closing
from pathlib import Path

from src.errors import TrialbookError
from src.study.folders import of_trial
from src.study.lock import driving
from src.study.outbox import Outbox
from src.study.store import Store


def deliver(sweep: Path, uri: str) -> None:
    """Sends the waiting records of a sweep to MLflow, and once more those that it refused.

    Raises:
        TrialbookError: MLflow does not answer, or still refuses some of them.
    """
    from src.tracking.tracker import MlflowTracker

    with driving(sweep), closing(Store.reopen(sweep / "study.db")) as store:
        meta = store.meta()
        experiment = meta.get("experiment")
        if not experiment:
            raise TrialbookError(f"sweep {sweep.name}: an earlier version made it; expected its own command with resume={sweep.name}")
        tracker = MlflowTracker(uri, experiment, meta.get("experiment_id", ""))
        store.offer_again()
        single = meta.get("single") == "true"
        outbox = Outbox(store, tracker, lambda number: sweep if single or number is None else of_trial(sweep, number))
        left = outbox.flush()
        outbox.close()
        refusals = store.refusals()
    if left:
        raise TrialbookError(f"sweep {sweep.name}: {left} records still wait: {outbox.outage}")
    if refusals:
        raise TrialbookError(f"MLflow still refuses {len(refusals)}: {refusals[0]}. The values are in {sweep}")
