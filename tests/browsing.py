"""A headless Chromium for tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.waiting import until

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WITH_CHROMIUM = pytest.mark.skipif(not BROWSER or not DRIVER, reason="no Chromium: apt-get install chromium chromium-driver")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1500,1400"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextmanager
def started(profile: Path) -> Iterator[webdriver.Chrome]:
    """Chromium, with its own files in `profile`."""
    options = Options()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with started(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


def shows(browser: webdriver.Chrome, *texts: str) -> None:
    """Waits until the page shows all texts."""

    def text() -> str:
        return str(browser.find_element(By.TAG_NAME, "body").text)

    until(lambda: all(one in text() for one in texts), why=lambda: f"{texts} in {text()}")
