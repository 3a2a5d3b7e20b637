"""Addresses of the pages of MLflow's UI that show the runs of one sweep."""

from urllib.parse import quote

from src.objective import Objective

LOCAL = "http://127.0.0.1:5000"  # `make ui`
TRAINING = "workflowType=machine_learning"  # otherwise MLflow shows its pages for language models


def comparison(uri: str, experiment_id: str, run_ids: list[str], sweep_id: str, objective: Objective) -> str:
    """Returns the page of a single run, or the charts of the sweep's trials, best first."""
    experiment = f"{uri.rstrip('/') if uri.startswith('http') else LOCAL}/#/experiments/{experiment_id}"
    if len(run_ids) == 1:
        return f"{experiment}/runs/{run_ids[0]}?{TRAINING}"
    trials = quote(f'tags.`trialbook.sweep` = "{sweep_id}" and tags.`trialbook.kind` = "trial"')
    order = quote(f"metrics.`kept/{objective.name}`")  # unsorted, MLflow folds the children under their parent
    ascending = str(objective.direction == "min").lower()
    return f"{experiment}/runs?searchFilter={trials}&orderByKey={order}&orderByAsc={ascending}&compareRunsMode=CHART&{TRAINING}"
