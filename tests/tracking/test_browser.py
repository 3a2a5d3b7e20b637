"""MLflow's pages and our report in a real browser: what a sweep's links open."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from src.config.paths import ROOT
from tests.waiting import until

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not BROWSER or not DRIVER, reason="no Chromium: apt-get install chromium chromium-driver")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1500,1400"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path}/profile"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def shows(browser: webdriver.Chrome, *texts: str) -> None:
    """Waits until the page shows all texts."""

    def text() -> str:
        return str(browser.find_element(By.TAG_NAME, "body").text)

    until(lambda: all(one in text() for one in texts), why=lambda: f"{texts} in {text()}")


@pytest.mark.usefixtures("first_port")
@pytest.mark.long
def test_the_pages_of_a_sweep(browser: webdriver.Chrome, command: Callable, tmp_path: Path, store_uri: str) -> None:
    done = command("src.sweep", "-m", "data=digits", "optimizer=sgd,adam", "model.units=8,16", "training.epochs=2", "seed=7")
    assert done.returncode == 0, done.stderr
    assert command("src.promote").returncode == 0
    client = MlflowClient(store_uri)
    child = client.get_model_version_by_alias("digits", "champion").run_id
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": store_uri}
    ui = subprocess.Popen([sys.executable, "-m", "src.tracking.ui"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
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


def test_the_report_of_a_sweep(browser: webdriver.Chrome, command: Callable, tmp_path: Path) -> None:
    rates = "optimizer.learning_rate=0.0005,0.001,0.002,0.005,0.01,0.02,0.05,0.1,0.2,0.5"  # with momentum 20, the least for importance
    words = ("data=digits", "optimizer=sgd", rates, "optimizer.momentum=0.0,0.9", "training.epochs=2")
    assert command("src.sweep", "-m", *words).returncode == 0
    [report] = (tmp_path / "mlruns" / "sweeps").glob("*/report.html")
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        browser.get(report.as_uri())
        shows(browser, "leaderboard", "learning curves", "parallel coordinates", "importance", "score against cost", "what to type next")
        until(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".chart canvas")) >= 4)
        charts = browser.find_elements(By.CSS_SELECTOR, ".chart canvas")
        assert len(charts) == 4 and all(chart.size["height"] > 50 for chart in charts)
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == [], json.dumps(severe, indent=1)
    choices = [
        [option.text for option in found.find_elements(By.TAG_NAME, "option")] for found in browser.find_elements(By.TAG_NAME, "select")
    ]
    assert ["accuracy", "loss"] in choices and ["run", "optimizer.learning_rate", "optimizer.momentum"] in choices
