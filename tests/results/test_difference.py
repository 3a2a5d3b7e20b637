"""`python -m src.compare runs=a,b` on two recorded runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from mlflow import MlflowClient

from src.results import difference
from src.study.provenance import patch_name


def test_what_differs_between_two_runs(command: Callable, tmp_path: Path, store_uri: str) -> None:
    for words in (("model.units=8",), ("model.units=16", "training.epochs=2")):
        assert command("src.sweep", "data=digits", "training.engine=keras", "training.epochs=1", *words).returncode == 0
    client = MlflowClient(store_uri)
    second, first = client.search_runs([client.get_experiment_by_name("digits").experiment_id], order_by=["start_time DESC"])
    patch = tmp_path / "code.patch"
    patch.write_text("diff --git a/src/x.py b/src/x.py\n@@ -1 +1,2 @@\n-old\n+new\n+newer\n")
    client.log_artifact(second.info.run_id, str(patch))
    client.set_tag(second.info.run_id, "trialbook.threads", "2")

    ids = f"runs={first.info.run_id},{second.info.run_id}"
    found = json.loads(command("src.compare", ids, "format=json").stdout)
    assert {row["key"]: (row["first"], row["second"]) for row in found["configuration"]} == {
        "model.units": ("8", "16"),
        "training.epochs": ("1", "2"),
    }
    assert {"key": "patch of src/x.py", "first": "as committed", "second": "+2 -1 lines"} in found["code"]
    assert found["environment"] == [{"key": "threads", "first": "1", "second": "2"}] and found["data"] == []
    assert {row["metric"] for row in found["metrics"]} >= {"kept/val_accuracy", "kept/loss"}
    assert [row["epoch"] for row in found["curves"]] == ["1", "2"] and found["curves"][1]["first val_accuracy"] == ""

    done = command("src.compare", ids)
    assert "the same in both: data" in done.stdout and done.stderr == ""
    for words, message in {
        f"runs={first.info.run_id}": "expected two runs",
        f"runs={first.info.run_id},x": "Expected the id of a run",
    }.items():
        done = command("src.compare", words)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "config.yaml").write_text("model: &many [1, 2]\ndata: [*many, *many]\n")
    client.log_artifact(second.info.run_id, str(tmp_path / "config.yaml"))
    assert "its config.yaml has aliases" in command("src.compare", ids).stderr
    shutil.rmtree(tmp_path / "mlruns")


def test_a_trial_of_a_later_code_is_compared_by_the_patch_of_that_code() -> None:
    patches = {
        "code.patch": b"diff --git a/src/x.py b/src/x.py\n+new\n",
        patch_name("77ab"): b"diff --git a/src/x.py b/src/x.py\n+new\n+newer\n",
    }
    first, later = (SimpleNamespace(tags={"trialbook.code": code}, file=patches.get) for code in ("3f2a", "3f2a+77ab"))
    assert difference._patches(first, later) == [{"key": "patch of src/x.py", "first": "+1 -0 lines", "second": "+2 -0 lines"}]
    assert difference._pairs({"x": 1, "y": True}, {"x": 1.0, "y": 1}) == [{"key": "y", "first": "True", "second": "1"}]
