"""Challenger against champion:  python -m src.promote [sweep=latest|<id>|<name>] [run=<id>] [gates=default|strict] [dry_run=true]

python -m src.promote rollback=fashion_mnist     the previous champion again
python -m src.promote history=fashion_mnist      who was champion when
"""

import sys
from dataclasses import dataclass

import numpy as np
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src import trial
from src.config.catalog import Catalog
from src.config.command_line import conf_loader
from src.config.words import read_words
from src.errors import ConfigError, TrialbookError, did_you_mean, told
from src.objective import Objective
from src.promotion import gates
from src.promotion.candidate import Candidate, evaluate
from src.promotion.gates import Comparison, Gates
from src.study.scores import gather
from src.terminal import Terminal
from src.tracking.registry import Registry
from src.tracking.runs import StoredRun

EXIT_REFUSED = 3
SAME = 1e-5  # the most that a probability of the registered model may differ from the run's own


@dataclass(frozen=True)
class Words:
    """What may be said behind the command."""

    sweep: str = "latest"
    run: str = ""
    gates: str = "default"
    dry_run: bool = False
    rollback: str = ""
    history: str = ""


def main() -> int:
    """Promotes, rolls back or tells the history; the exit code."""
    with told():
        words = read_words(Words, sys.argv[1:])
        terminal = Terminal(Objective("accuracy", "max"))
        with conf_loader() as loader:
            if words.gates not in (known := Catalog(loader).groups["promotion"]):
                raise ConfigError([f"gates={words.gates}: no such gates{did_you_mean(words.gates, known)} Gates: {', '.join(known)}"])
            config = loader.load_configuration("config", [f"promotion={words.gates}"], RunMode.RUN)
            registry = Registry(config.tracking.uri)
            if words.rollback:
                terminal.say(f"{words.rollback}: version {registry.rollback(words.rollback)} is champion again")
            elif words.history:
                terminal.table(words.history, registry.history(words.history))
            else:
                return challenge(words, config, registry, loader, terminal)
    return 0


def challenge(words: Words, config: DictConfig, registry: Registry, loader: ConfigLoader, terminal: Terminal) -> int:
    """Evaluates challenger and champion on the test split, decides, and moves the alias."""
    run = registry.runs.read(words.run or best_run(words.sweep))
    old = registry.champion(run.data)
    if old and old.run_id == run.run_id:
        raise TrialbookError(f"run {run.run_id} is the champion already, version {old.version} of {run.data}.")
    opened = registry.count_opening(run)
    challenger = evaluate(run, loader)
    champion = evaluate(registry.runs.read(old.run_id), loader) if old else None
    against = gates.compare(challenger.correct, champion.correct) if champion else None
    demanded = Gates(**OmegaConf.to_container(config.promotion))  # type: ignore[arg-type]
    reasons = gates.refusals(demanded, challenger.accuracy, run.megabytes, challenger.milliseconds, against)
    _tell(terminal, challenger, champion, against, opened)
    if words.dry_run:
        terminal.say(f"dry run: it would be {'refused: ' + '; '.join(reasons) if reasons else 'promoted'}")
        return EXIT_REFUSED if reasons else 0
    if reasons:
        registry.refuse(run, reasons)
        terminal.say("\n  ".join(["refused, the champion stays:", *reasons]))
        return EXIT_REFUSED
    version = _register(registry, challenger, against)
    registry.promote(run.data, version, str(old.version) if old else None, f"promoted with test accuracy {challenger.accuracy:.4f}")
    terminal.say(f"version {version} of {run.data} is champion\n\nNext:")
    terminal.say(f"  MLFLOW_TRACKING_URI={config.tracking.uri} mlflow models serve -m models:/{run.data}@champion --env-manager local")
    terminal.say(f"  python -m src.promote rollback={run.data}    the previous champion again")
    return 0


def best_run(sweep: str) -> str:
    """The run with the best score among the seeds of the configuration with the best mean.

    Raises:
        ConfigError: no trial of the sweep has a score and a run.
    """
    found, _ = gather(sweep)
    if found.best and found.best.run_id:
        return found.best.run_id
    raise ConfigError([f"sweep={sweep}: no finished trial with an MLflow run; expected at least one."])


def _register(registry: Registry, challenger: Candidate, against: Comparison | None) -> str:
    """Registers the model, loads it back as anybody would, and checks that it predicts what the run's weights predict."""
    run, data = challenger.run, challenger.prepared.data
    tags = {"run": run.run_id, "sweep": run.sweep, "data_digest": run.data_digest, "commit": run.surroundings["mlflow.source.git.commit"]}
    tags |= {"test_accuracy": f"{challenger.accuracy:.4f}"}
    tags |= (
        {"gain": f"{against.gain:+.4f} [{against.interval[0]:+.4f}, {against.interval[1]:+.4f}], p = {against.p_value:.3g}"}
        if against
        else {}
    )
    x = data.validation[0][:100]
    node = trial.model_node(challenger.prepared.job.config)
    version = registry.register(run, node, data.class_names, x[:1], {f"trialbook.{key}": value for key, value in tags.items()})
    wanted = challenger.prepared.model.predict(x, verbose=0)
    if (worst := float(np.abs(registry.predictions(run.data, "challenger", x) - wanted).max())) > SAME:
        raise TrialbookError(
            f"version {version} of {run.data} differs from its run by {worst:.2g}; expected at most {SAME}. The champion stays."
        )
    return version


def _tell(terminal: Terminal, challenger: Candidate, champion: Candidate | None, against: Comparison | None, opened: int) -> None:
    rows = [_row("challenger", challenger), *([_row("champion", champion)] if champion else [])]
    terminal.table(f"test split of {challenger.run.data}, opened {opened} time{'s' if opened > 1 else ''} for this sweep", rows)
    if against:
        low, high = against.interval
        terminal.say(f"difference {against.gain:+.4f}, 95 % between {low:+.4f} and {high:+.4f}, p = {against.p_value:.3g} (McNemar)")


def _row(role: str, one: Candidate) -> dict[str, str]:
    run: StoredRun = one.run
    measured = {"test accuracy": f"{one.accuracy:.4f}", "MB": f"{run.megabytes:.2f}", "ms": f"{one.milliseconds:.1f}"}
    return {"": role, "run": run.run_id, **measured, "trial": run.overrides}


if __name__ == "__main__":
    sys.exit(main())
