"""Measures the report of synthetic sweeps: python -m tests.benchmarks.report [trials …]

It prints the size of the file, the seconds to make it and, in Chromium, the seconds until it is shown and those that a brush takes.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from selenium import webdriver

from src.objective import Objective
from src.report import report_of
from src.results.scores import standing_of
from src.study.store import Store
from tests.browsing import started
from tests.waiting import until

SIZES = (5, 50, 1000, 10_000)
EPOCHS = 20
PANELS = ("best", "curves-panel", "parallel-panel", "slices-panel", "contour-panel", "cost-panel")
BRUSH = """
const [place, finish] = arguments, found = [];
document.querySelector(`#${place} canvas`).scrollIntoView({block: "center"});
const ends = (share) => score.values[scored[Math.floor((scored.length - 1) * share)]];
function brush() {
  const began = performance.now();
  range([[score, [ends(0.3 + found.length / 100), ends(0.01)].sort()]]);
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(); // its message comes after the frame was drawn
    port1.onmessage = () => {
      found.push(performance.now() - began);
      if (found.length < 9) setTimeout(brush, 250); else finish(found);
    };
    port2.postMessage(0);
  });
}
setTimeout(brush, 1000);
"""
OPTIMIZERS = ("sgd", "adam", "rmsprop")


def study(folder: Path, trials: int, epochs: int = EPOCHS, *, seeds: int = 1, failing: float = 0.03) -> Store:
    """A study of a search over six keys whose scores depend on some of them, with four metrics per epoch.

    Args:
        seeds: the number of trials of each configuration.
        failing: the share of trials that fail, all at high learning rates.
    """
    random = np.random.default_rng(trials)
    folder.mkdir(parents=True)
    command = "python -m src.sweep -m oracle=random model=two_layer 'optimizer.learning_rate=tag(log,interval(1e-5,1e0))'"
    facts = {"sweep_id": folder.name, "name": "synthetic", "command": command, "objective": "max:val_accuracy", "device": "CPU"}
    store = Store.create(folder / "study.db", **facts, validation_examples="12000", experiment="synthetic")
    rows, lines = [], []
    for number in range(trials):
        if number % seeds == 0:
            point, quality = _point(random)
        rate = float(point["optimizer.learning_rate"])
        failed = trials > 10 and rate > 10**-0.6 and random.random() < failing / 0.12
        reached = min(0.999, max(0.1, quality + random.normal() * 0.004))
        values = json.dumps({**{key: _plain(text) for key, text in point.items()}, "seed": number % seeds, "training.epochs": epochs})
        done = max(1, epochs // 4) if failed else epochs
        kept, best = 1, 0.0
        for epoch in range(1, done + 1):
            accuracy = reached * (1 - 0.7 * np.exp(-epoch / 4)) + random.normal() * 0.003
            kept, best = (epoch, accuracy) if accuracy > best else (kept, best)
            measured = {"loss": 1.2 * (1 - accuracy) ** 1.2, "accuracy": min(1.0, accuracy + epoch / 900)}
            metrics = {**measured, "val_loss": 1.2 * (1 - accuracy) + epoch / 400, "val_accuracy": accuracy}
            lines.append((number, epoch, json.dumps({name: round(float(value), 6) for name, value in metrics.items()})))
        overrides = json.dumps({**point, "seed": str(number % seeds)})
        cause = f"the loss is NaN at epoch {done}" if failed else None
        score, state = (None, "FAILED") if failed else (float(best), "FINISHED")
        seconds = 3 + int(point["model.units"]) / 40 + random.random()
        config = f"{number // seeds}"
        rows.append((number, overrides, f"{number}", state, 1, epochs, score, None if failed else kept, seconds, cause, values, config))
    with store._transaction():
        columns = "number, overrides, active_hash, state, attempts, epochs, score, kept_epoch, seconds, cause, configuration, config_hash"
        store._db.executemany(f"insert into trial ({columns}) values ({', '.join('?' * 12)})", rows)  # noqa: S608  names of ours
        store._db.executemany("insert into epoch values (?, ?, ?)", lines)
    return store


def _point(random: np.random.Generator) -> tuple[dict[str, str], float]:
    """The overrides of a configuration, and the score that it tends to."""
    name, rate, units = OPTIMIZERS[random.integers(3)], 10 ** random.uniform(-5, 0), int(2 ** random.uniform(4, 9))
    rest = {"model.dropout": f"{random.uniform(0, 0.6):.3f}", "training.batch_size": str(2 ** random.integers(4, 9))}
    point = {"optimizer": name, "optimizer.learning_rate": f"{rate:.4g}", "model.units": str(units), **rest}
    if name == "sgd":
        point["optimizer.momentum"] = f"{random.uniform(0, 0.99):.3f}"
    best_at = {"sgd": -1.2, "adam": -2.7, "rmsprop": -2.9}[name]
    quality = 0.9 - 0.06 * (np.log10(rate) - best_at) ** 2 + 0.012 * (np.log2(units) - 6) - 0.05 * float(point["model.dropout"]) ** 2
    return point, float(quality)


def _plain(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def measured(browser: webdriver.Chrome, page: Path) -> tuple[float, dict[str, float]]:
    """Milliseconds until a page is shown, and those that a brush takes while each panel is on the screen: the median of nine."""
    shown = []
    for _ in range(3):
        browser.get("about:blank")
        browser.get(page.as_uri())
        shown.append(until(lambda: browser.execute_script("return performance.getEntriesByName('shown')[0]?.startTime")))
    return median(shown), {place: median(browser.execute_async_script(BRUSH, place)) for place in PANELS}


def main() -> None:
    """Prints a line per size."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print("trials      MB  made s  shown ms  a brush, ms, with the panel on the screen")
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "profile") as browser:
        browser.set_script_timeout(120)
        for count in map(int, sys.argv[1:] or SIZES):
            store, page = study(Path(folder) / f"20260101-000000-{count}", count), Path(folder) / f"{count}.html"
            began = time.monotonic()
            page.write_bytes(report_of(standing_of([store], Objective.parse("max:val_accuracy")), [store]))
            made = time.monotonic() - began
            shown, brushes = measured(browser, page)
            each = ", ".join(f"{name.removesuffix('-panel')} {value:.0f}" for name, value in brushes.items())
            print(f"{count:6} {page.stat().st_size / 1e6:7.2f} {made:7.1f} {shown:9.0f}  {each}", flush=True)


if __name__ == "__main__":
    main()
