"""Challenger against champion:  python -m src.promote [sweep=latest|<id>|<name>] [run=<id>] [gates=default|strict] [dry_run=true] [why=…]

python -m src.promote rollback=true     the previous champion again
python -m src.promote history=true      who was champion when
"""

import sys
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src.config.catalog import Catalog
from src.config.command_line import conf_loader
from src.config.words import read_words
from src.errors import ConfigError, TrialbookError, did_you_mean
from src.exits import exit_on_error
from src.objective import Objective
from src.promotion.candidate import Candidate, load_registered
from src.promotion.challenge import Decision, decide, promote
from src.promotion.gates import Gates
from src.results.scores import load_standing
from src.terminal import Terminal
from src.tracking.registry import Registry

EXIT_REFUSED = 3
MOST_WHY = 2000


@dataclass(frozen=True)
class Words:
    """What may be said behind the command; `model` names the registered model, where there are several."""

    sweep: str = "latest"
    run: str = ""
    gates: str = "default"
    why: str = ""
    dry_run: bool = False
    rollback: bool = False
    history: bool = False
    model: str = ""


def main() -> int:
    """Promotes, rolls back or tells the history; the exit code."""
    with exit_on_error():
        words = read_words(Words, sys.argv[1:])
        if len(words.why) > MOST_WHY:
            raise ConfigError([f"why= has {len(words.why)} characters; expected at most {MOST_WHY}, which a store keeps whole"])
        terminal = Terminal(Objective("accuracy", "max"))
        with conf_loader() as loader:
            if words.gates not in (known := Catalog(loader).groups["promotion"]):
                raise ConfigError([f"gates={words.gates}: no such gates{did_you_mean(words.gates, known)} Gates: {', '.join(known)}"])
            config = loader.load_configuration("config", [f"promotion={words.gates}"], RunMode.RUN)
            registry = Registry(config.tracking.uri)
            if words.rollback:
                name = _name(words, registry)
                version, passed_over = registry.rollback(name, lambda run, artifacts: load_registered(run, artifacts, loader))
                terminal.say("\n".join([*passed_over, f"{name}: version {version} is champion again"]))
            elif words.history:
                name = _name(words, registry)
                terminal.table(name, registry.history(name))
            else:
                return _challenge(words, config, registry, loader, terminal)
    return 0


def _challenge(words: Words, config: DictConfig, registry: Registry, loader: ConfigLoader, terminal: Terminal) -> int:
    run = registry.runs.read(words.run or best_run(words.sweep))
    demanded = Gates(**OmegaConf.to_container(config.promotion))  # type: ignore[arg-type]
    decision = decide(run, registry, loader, demanded)
    _tell(terminal, decision)
    if words.dry_run:
        reasons = decision.reasons
        terminal.say(f"dry run: it would be {'refused: ' + '; '.join(reasons) if reasons else 'promoted'}")
        return EXIT_REFUSED if reasons else 0
    version = None
    if not decision.reasons:
        before = decision
        version, decision = promote(decision, registry, loader, demanded, words.why)
        if decision is not before:
            terminal.say("somebody else promoted meanwhile; decided again")
            _tell(terminal, decision)
    if decision.reasons:
        registry.refuse(run, decision.reasons)
        terminal.say("\n  ".join(["refused, the champion stays:", *decision.reasons]))
        return EXIT_REFUSED
    terminal.say(f"version {version} of {run.model} is champion\n\nNext:")
    terminal.say(f"  MLFLOW_TRACKING_URI={config.tracking.uri} mlflow models serve -m models:/{run.model}@champion --env-manager local")
    terminal.say("  python -m src.promote rollback=true    the previous champion again")
    return 0


def best_run(sweep: str) -> str:
    """The run with the best score among the seeds of the configuration with the best mean.

    Raises:
        ConfigError: no trial of the sweep has a score and a run, or its trials were trained on several data.
    """
    found, _ = load_standing(sweep)
    if len(found.by_data) > 1:
        best = [(found.origin(entry), found.best_of(entry)) for entry, *_ in found.by_data]
        known = " or ".join(f"run={trial.run_id} ({origin})" for origin, trial in best if trial)
        raise ConfigError([f"sweep={sweep}: scores on different data can not be ranked; expected one of the best: {known}"])
    if found.best and found.best.run_id:
        return found.best.run_id
    raise ConfigError([f"sweep={sweep}: no finished trial with an MLflow run; expected at least one."])


def _name(words: Words, registry: Registry) -> str:
    names = registry.names
    if words.model in names or (not words.model and len(names) == 1):
        return words.model or names[0]
    if not names:
        raise TrialbookError("no model is registered; expected one by python -m src.promote")
    hint = did_you_mean(words.model, names) if words.model else "; which one?"
    raise TrialbookError(f"model={words.model}: no such registered model{hint} Expected model={' or model='.join(names)}")


def _tell(terminal: Terminal, decision: Decision) -> None:
    opened, challenger, champion, against = decision.opened, decision.challenger, decision.champion, decision.against
    rows = [_row("challenger", challenger), *([_row("champion", champion)] if champion else [])]
    if decision.unusable:
        terminal.say(decision.unusable)
    terminal.table(f"test split of {challenger.run.data}, opened {opened} time{'s' if opened > 1 else ''} for this sweep", rows)
    if against:
        low, high = against.interval
        terminal.say(f"difference {against.gain:+.4f}, 95 % between {low:+.4f} and {high:+.4f}, p = {against.p_value:.3g} (McNemar)")


def _row(role: str, one: Candidate) -> dict[str, str]:
    low, high = one.interval
    measured = {"test accuracy": f"{one.accuracy:.4f}", "95 %": f"{low:.4f} to {high:.4f}"}
    measured |= {"MB": f"{one.run.megabytes:.2f}", "ms": f"{one.milliseconds:.1f}"}
    return {"": role, "run": one.run.run_id, **measured, "trial": one.run.overrides}


if __name__ == "__main__":
    sys.exit(main())
