"""Addresses of the pages of MLflow's UI that show the runs of one sweep."""

import json
from urllib.parse import quote

LOCAL = "http://127.0.0.1:5000"  # `make ui`
TRAINING = "workflowType=machine_learning"  # otherwise MLflow shows its pages for language models
MOST_COMPARED = 50  # runs on MLflow's comparison page


def comparison(uri: str, experiment_id: str, run_ids: list[str], sweep_id: str, objective: str) -> str:
    """Returns the page of a single run, the comparison page of up to 50 runs, or the charts of the sweep's runs."""
    base = uri.rstrip("/") if uri.startswith("http") else LOCAL
    if len(run_ids) == 1:
        return f"{base}/#/experiments/{experiment_id}/runs/{run_ids[0]}?{TRAINING}"
    if len(run_ids) <= MOST_COMPARED:
        return f"{base}/#/compare-runs?runs={quote(json.dumps(run_ids))}&experiments={quote(json.dumps([experiment_id]))}&{TRAINING}"
    wanted = f'tags.`trialbook.sweep` = "{sweep_id}" and tags.`trialbook.kind` = "trial"'
    order = quote(f"metrics.`kept/{objective}`")  # unsorted, MLflow folds the children under their parent
    filtered = f"searchFilter={quote(wanted)}&orderByKey={order}&orderByAsc=false&compareRunsMode=CHART"
    return f"{base}/#/experiments/{experiment_id}/runs?{filtered}&{TRAINING}"
