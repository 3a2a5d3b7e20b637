"""MLflow's pages in a real browser: what a sweep's links open."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient
from selenium import webdriver
from selenium.webdriver.common.by import By

from src.config.paths import ROOT
from tests.browsing import WITH_CHROMIUM, browser, shows  # noqa: F401
from tests.waiting import until

pytestmark = WITH_CHROMIUM


@pytest.mark.usefixtures("first_port")
@pytest.mark.long
def test_the_pages_of_a_sweep(
    browser: webdriver.Chrome,  # noqa: F811
    command: Callable,
    tmp_path: Path,
    store_uri: str,
) -> None:
    done = command("src.sweep", "-m", "data=digits", "optimizer=sgd,adam", "model.units=8,16", "training.epochs=2", "seed=7")
    assert done.returncode == 0, done.stderr
    assert command("src.promote").returncode == 0
    client = MlflowClient(store_uri)
    child = client.get_model_version_by_alias("digits", "champion").run_id
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store_uri}
    ui = subprocess.Popen([sys.executable, "-m", "src.ui"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", ui.stdout.readline())[0]
        link = re.search(r"http://127\.0\.0\.1:5000(/\S+)", done.stdout)[1]
        browser.get(address + link)
        shows(browser, "optimizer=sgd model.units=8", "optimizer=adam model.units=16", "4 matching runs", "val_accuracy")
        until(lambda: len(browser.find_elements(By.CSS_SELECTOR, "[data-testid='experiment-view-compare-runs-card']")) >= 2)

        experiment = client.get_run(child).info.experiment_id
        page = f"{address}/#/experiments/{experiment}/runs/{child}"
        browser.get(f"{page}/model-metrics?workflowType=machine_learning")
        shows(browser, "val_accuracy", "val_loss")
        browser.get(f"{page}/artifacts?workflowType=machine_learning")
        shows(browser, "model.h5", "model.weights.h5", "curves.png", "history.csv")

        browser.get(f"{address}/#/models/{quote('digits')}?workflowType=machine_learning")
        shows(browser, "Version 1", "champion")
    finally:
        ui.terminate()
        ui.wait()
