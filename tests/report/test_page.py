"""The page of a report in a real browser: one selection for all panels, the link that keeps it, and that nothing else can run."""

import json
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from src.objective import Objective
from src.report import data, report_of
from src.report.curves import Curves
from src.report.data import data_of
from src.report.page import page as page_of
from src.results.leaderboard import Standing
from src.results.scores import standing_of
from tests.benchmarks.report import study
from tests.browsing import WITH_CHROMIUM, browser  # noqa: F401
from tests.results.test_leaderboard import rung
from tests.waiting import until

pytestmark = WITH_CHROMIUM
EVIL = "<img src=x onerror='window.evil=1'></script><script>window.evil=1</script>"
PANELS = ["best", "curves-panel", "parallel-panel", "slices-panel", "contour-panel", "cost-panel"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty configurations with two seeds each, some of which fail."""
    folder = tmp_path_factory.mktemp("report")
    store = study(folder / "20260101-000000-aaaa", 80, epochs=6, seeds=2, failing=0.12)
    store.describe(device=EVIL, name=EVIL)
    standing = standing_of([store], Objective.parse("max:val_accuracy"))
    assert any(not entry.trials for entry in standing.entries)
    (folder / "report.html").write_bytes(report_of(standing, [store], EVIL, pictures={f"{EVIL}.png": b"png"}))
    return folder / "report.html"


def panel(page: webdriver.Chrome, place: str) -> WebElement:
    found = page.find_element(By.CSS_SELECTOR, f"#{place} canvas")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    until(lambda: page.execute_script("return arguments[0].panel.width > 0", found))
    return found


def colours(page: webdriver.Chrome, canvas: WebElement) -> int:
    """The number of distinct colours of a canvas; an empty one has one."""
    script = "const c = arguments[0], p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
    return int(page.execute_script(f"{script} return new Set(new Uint32Array(p.buffer)).size", canvas))


def selected(page: webdriver.Chrome) -> int:
    return int(page.execute_script("return selection.number"))


@pytest.fixture
def page(browser: webdriver.Chrome, report: Path) -> webdriver.Chrome:  # noqa: F811
    browser.get("about:blank")
    browser.get(report.as_uri())
    return browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_panel_is_drawn_and_nothing_of_a_user_runs(page: webdriver.Chrome, scheme: str) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    for place in PANELS:
        canvas = panel(page, place)
        until(lambda canvas=canvas: colours(page, canvas) > 20, why=lambda place=place: place)
    assert page.execute_script("return window.evil") is None
    page.execute_script("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.evil = 1'}))")
    assert page.execute_script("return window.evil") is None, "the policy lets only the page's own script run"
    severe = [
        entry for entry in page.get_log("browser") if entry["level"] == "SEVERE" and "Content Security Policy" not in entry["message"]
    ]
    assert not [one for one in severe if "image/png" not in one["message"]], json.dumps(severe, indent=1)
    assert EVIL in page.find_element(By.TAG_NAME, "h1").text


def test_a_brush_selects_in_all_panels_and_the_link_keeps_it(page: webdriver.Chrome) -> None:
    everything = selected(page)
    canvas = panel(page, "slices-panel")
    across, up = canvas.size["width"], canvas.size["height"]
    ActionChains(page).move_to_element_with_offset(canvas, -across // 6, -up // 4).click_and_hold().move_by_offset(
        across // 2, up // 3
    ).release().perform()
    number = selected(page)
    assert 0 < number < everything
    until(lambda: f"{number} of {everything} selected" in page.find_element(By.ID, "bar").text)
    assert "python -m src.sweep" in page.find_element(By.ID, "one").text
    shown = len(page.find_elements(By.CSS_SELECTOR, "#leaderboard tbody tr"))
    assert shown == min(number, 25)
    link = page.current_url
    page.get("about:blank")
    page.get(link)
    assert selected(page) == number
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    assert selected(page) == everything and page.current_url.endswith("#")


def test_what_is_typed_and_clicked_selects_by_keyboard_too(page: webdriver.Chrome) -> None:
    page.find_element(By.TAG_NAME, "body").send_keys("/")
    page.switch_to.active_element.send_keys("optimizer=adam dropout<0.3")
    expected = page.execute_script(
        "const c = byName.get('optimizer'), d = byName.get('model.dropout');"
        " return Array.from(c.values).filter((v, n) => c.words[v] === 'adam' && d.values[n] < 0.3).length"
    )
    assert selected(page) == expected > 0
    until(lambda: len(page.find_elements(By.CSS_SELECTOR, "#leaderboard tbody tr")) == min(expected, 25))
    page.find_element(By.CSS_SELECTOR, "#leaderboard tbody tr").send_keys(Keys.ENTER)
    assert selected(page) == 1
    page.find_element(By.ID, "clear").click()
    page.find_element(By.ID, "filter").send_keys("unit=3")
    until(lambda: "no column unit" in page.find_element(By.ID, "mistake").text)


def test_the_selection_names_trials_so_that_it_survives_other_ranks(page: webdriver.Chrome) -> None:
    page.execute_script("pick(3, false)")
    name = page.execute_script("return nameOfTrial(firstTrial[3])")
    assert f"p={name}" in page.current_url


def test_the_best_of_some_in_random_order_is_what_drawing_them_gives(page: webdriver.Chrome) -> None:
    random = np.random.default_rng(0)
    scores = np.sort(random.normal(size=30))
    found = page.execute_script("return bestOf(arguments[0], 7, [0.05, 0.5, 0.95])", scores.tolist())
    drawn = np.array([random.permutation(scores)[:7].max() for _ in range(20_000)])
    expected = np.quantile(drawn, [0.05, 0.5, 0.95])
    places = np.searchsorted(scores, found), np.searchsorted(scores, expected)
    assert np.abs(places[0] - places[1]).max() <= 1
    assert page.execute_script("return bestOf(arguments[0], 30, [0.05, 0.95])", scores.tolist()) == [scores[-1]] * 2


def test_no_page_is_wider_than_a_telephone(page: webdriver.Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    until(lambda: page.execute_script("return innerWidth") == 390)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_report_without_a_score_or_a_key_says_what_failed(browser: webdriver.Chrome, tmp_path: Path) -> None:  # noqa: F811
    store = study(tmp_path / "20260101-000000-bbbb", 3)
    with store._transaction():
        store._db.execute("update trial set score = null, state = 'FAILED', cause = 'ValueError: no'")
    standing: Standing = standing_of([store], Objective.parse("max:val_accuracy"))
    (tmp_path / "report.html").write_bytes(report_of(standing, [store]))
    browser.get((tmp_path / "report.html").as_uri())
    text = browser.find_element(By.TAG_NAME, "body").text
    assert "No trial has a score." in text and "FAILED ValueError: no" in text and "3 of 3" in text
    assert "Best so far" not in text, "a panel without a score is empty"
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_losses_rungs_and_scores_that_are_not_finite(browser: webdriver.Chrome, tmp_path: Path) -> None:  # noqa: F811
    some = [rung(n, f"0.{n + 1}", 1 + 2 * (n % 2), loss) for n, loss in enumerate([0.5, 0.2, float("nan"), 0.4, 0.9, float("inf"), 0.3])]
    found = Standing.of(some, Objective("val_loss", "min"), 0)
    meta = {"sweep_id": "20260101-000000-aaaa"}
    curves = Curves(["val_loss"], {(some[0].sweep, 1): np.float32([[0.5, np.nan, 0.2]])}, {(some[0].sweep, 1): 1})
    (tmp_path / "report.html").write_bytes(page_of("", "", data_of(found, [meta], curves, [], champion=None, running=False), {}))
    browser.get((tmp_path / "report.html").as_uri())
    for place in PANELS[:5]:
        panel(browser, place)
    text = browser.find_element(By.TAG_NAME, "body").text
    assert "3 epochs: val_loss 0.2000 by" in text and "below it the search was better than chance" in text
    assert browser.execute_script("return heads.some((head) => head.name === 'epochs')")
    assert browser.execute_script("return groups().list.at(-1).rows.every((row) => score.values[row] === 0.2)"), "the best is on top"
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_what_a_brush_costs_grows_no_faster_than_the_trials(
    browser: webdriver.Chrome,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(data, "importances", lambda _: [])
    script = """
        const took = () => {
          const began = performance.now();
          selection.ranges = new Map();
          range([[score, [score.values[scored[Math.floor(scored.length / 2)]], 1]]]);
          panels.forEach((one) => one.draw());
          return performance.now() - began;
        };
        return Math.min(...Array.from({ length: 7 }, took));
    """
    least = []
    for count in (200, 2000):
        store, file = study(tmp_path / f"20260101-000000-{count}", count, epochs=4), tmp_path / f"{count}.html"
        file.write_bytes(report_of(standing_of([store], Objective.parse("max:val_accuracy")), [store]))
        browser.get(file.as_uri())
        least.append(until(lambda: browser.execute_script(script)))
    assert least[1] < 20 * least[0], least
