"""Promotes a model to champion, if it is better on the test split.

python -m src.promote dry_run=true      decides about the best of the latest sweep, and changes nothing
python -m src.promote run=RUN_ID        promotes the model of a run
python -m src.promote rollback=true     makes the previous champion champion again
python -m src.promote history=true      prints which version was champion when
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from src import exits
from src.config.arguments import read_arguments
from src.config.catalog import Catalog
from src.config.command_line import conf_loader
from src.errors import ConfigError, TrialbookError, did_you_mean
from src.exits import exit_on_error
from src.study.finding import find_sweeps
from src.terminal import Terminal

if TYPE_CHECKING:
    from src.promotion.challenge import Decision
    from src.promotion.evaluation import Candidate
    from src.promotion.gates import Gates
    from src.tracking.registry import Registry

MOST_WHY = 2000


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command.

    Attributes:
        sweep: latest, an id or a name; its best run is promoted.
        objective: metric that decides which run is best; needed if the sweep has two.
        run: an MLflow run that is promoted instead.
        gates: a file of conf/promotion/ with the conditions, or none.
        why: a note for the history.
        dry_run: decides, but changes nothing.
        rollback: makes the previous champion champion again.
        history: prints which version was champion when.
        model: name of a registered model for rollback and history, if there are several.
    """

    sweep: str = "latest"
    objective: str = ""
    run: str = ""
    gates: str = "default"
    why: str = ""
    dry_run: bool = False
    rollback: bool = False
    history: bool = False
    model: str = ""


def main() -> int:
    """Promotes, rolls back or prints the history; returns the exit code."""
    with exit_on_error():
        arguments = read_arguments(Arguments, sys.argv[1:], __doc__)
        terminal = Terminal()
        with terminal.waiting("loading MLflow"):
            from src.promotion.candidate import load_registered
            from src.promotion.gates import Gates
            from src.tracking.registry import Registry
        with conf_loader() as loader:
            if mistakes := list(_mistakes(arguments, Catalog(loader).groups["promotion"])):
                raise ConfigError(mistakes)
            config = loader.load_configuration("config", [f"promotion={arguments.gates}"], RunMode.RUN)
            demanded = Gates.of(arguments.gates, OmegaConf.to_container(config.promotion))  # type: ignore[arg-type]
            registry = Registry(config.tracking.uri)
            if arguments.rollback:
                name = _model_name(arguments, registry)
                version, skipped = registry.rollback(name, lambda run, artifacts: load_registered(run, artifacts, loader))
                terminal.say("\n".join([*skipped, f"{name}: version {version} is champion again"]))
            elif arguments.history:
                name = _model_name(arguments, registry)
                _print_history(terminal, name, registry.history(name))
            else:
                return _challenge(arguments, demanded, registry, loader, terminal)
    return 0


def _mistakes(arguments: Arguments, known: list[str]) -> Iterator[str]:
    """Yields the mistakes of the arguments, which include arguments without effect; `known` are the gates of conf/promotion/."""
    if len(arguments.why) > MOST_WHY:
        yield f"why= has {len(arguments.why)} characters; expected at most {MOST_WHY}, which a store keeps whole"
    if arguments.gates not in known:
        yield f"gates={arguments.gates}: no such gates{did_you_mean(arguments.gates, known)} Gates: {', '.join(known)}"
    given = [one.name for one in fields(arguments) if getattr(arguments, one.name) != one.default]
    for name in ("sweep", "objective"):
        if arguments.run and name in given:
            yield f"{name}={getattr(arguments, name)}: run={arguments.run} also names the model; expected one of the two."
    for verb in ("rollback", "history"):
        if verb in given:
            ignored = [name for name in given if name not in (verb, "model")]
            yield from (f"{name}: it has no effect with {verb}=true; expected {verb}=true alone, or with model=…" for name in ignored)
            break


def _challenge(arguments: Arguments, demanded: "Gates", registry: "Registry", loader: ConfigLoader, terminal: Terminal) -> int:
    from src.promotion.challenge import decide, promote
    from src.promotion.sweep_ended import check_ended, interruption

    if not arguments.run:
        for folder in find_sweeps(arguments.sweep):
            check_ended(folder.name)
    run = registry.runs.read(arguments.run or best_run(arguments.sweep, terminal.say, arguments.objective))
    status = registry.runs.recorded(run.parent_id).status if run.parent_id else ""
    if run.sweep:
        check_ended(run.sweep, status)
        if line := interruption(run.sweep, status):
            terminal.say(line)
    if demanded.chance is None:
        terminal.say(f"gates={arguments.gates} asks for no p-value: chance alone may make this model champion")
    with terminal.waiting("loading TensorFlow, asking both models"):
        decision = decide(run, registry, loader, demanded)
    _print_decision(terminal, decision)
    if arguments.dry_run and decision.reasons:
        terminal.say(f"dry run: it would be refused: {'; '.join(decision.reasons)}")
        return exits.GATE_REFUSED
    if arguments.dry_run:
        terminal.say("dry run: it would be promoted")
        return 0
    version = None
    if not decision.reasons:
        before = decision
        version, decision = promote(decision, registry, loader, demanded, arguments.why)
        if decision is not before:
            terminal.say("another process promoted a model meanwhile; decided again")
            _print_decision(terminal, decision)
    if decision.reasons:
        registry.refuse(run, decision.reasons)
        terminal.say("\n  ".join(["refused, the champion stays:" if decision.old else "refused, there is no champion:", *decision.reasons]))
        return exits.GATE_REFUSED
    terminal.say(f"version {version} of {run.model} is champion\n\nNext:")
    terminal.command(f"MLFLOW_TRACKING_URI={registry.uri} mlflow models serve -m models:/{run.model}@champion --env-manager local")
    terminal.command("python -m src.promote rollback=true", "the previous champion again")
    return 0


def best_run(sweep: str, say: Callable[[str], object] = print, objective: str = "") -> str:
    """Returns the run with the best score: of the trials that a race concluded, else of the configuration with the best mean.

    Args:
        say: called with the conclusion of a race.
        objective: metric to rank by; empty for that of the sweep.

    Raises:
        ConfigError: no trial of the sweep has a score and a run, its trials were trained on several data sets, or it has two objectives.
    """
    from src.results.scores import load_standing

    standing, stores = load_standing(sweep, objective)
    if standing.second:
        both = f"{standing.objective} and {standing.second}"
        raise ConfigError([f"sweep={sweep}: two objectives, {both}; expected the one that decides: objective={standing.objective}"])
    meta = stores[0].meta() if len(stores) == 1 else {}
    if conclusion := meta.get("conclusion"):
        say(conclusion)
        if concluded := standing.best_among(json.loads(meta["concluded_trials"])):
            return str(concluded.run_id)
    if len(standing.by_data) > 1:
        best = [(standing.origin(entry), standing.best_of(entry)) for entry, *_ in standing.by_data]
        known = " or ".join(f"run={trial.run_id} ({origin})" for origin, trial in best if trial)
        raise ConfigError([f"sweep={sweep}: scores on different data cannot be ranked; expected one of the best: {known}"])
    if standing.best and standing.best.run_id:
        return standing.best.run_id
    raise ConfigError([f"sweep={sweep}: no finished trial with an MLflow run; expected at least one."])


def _model_name(arguments: Arguments, registry: "Registry") -> str:
    names = registry.names
    if not names:
        raise TrialbookError("no model is registered; expected one by python -m src.promote")
    if not arguments.model and len(names) == 1:
        return names[0]
    if arguments.model in names:
        return arguments.model
    hint = did_you_mean(arguments.model, names) if arguments.model else "; which one?"
    raise TrialbookError(f"model={arguments.model}: no such registered model{hint} Expected model={' or model='.join(names)}")


def _print_history(terminal: Terminal, name: str, rows: list[dict[str, str]]) -> None:
    terminal.table(name, [{key: text for key, text in row.items() if key != "run"} for row in rows])
    for version, run in {row["version"]: row["run"] for row in rows if row["run"]}.items():
        terminal.say(f"run of version {version}:\n  {run}")


def _print_decision(terminal: Terminal, decision: "Decision") -> None:
    candidates = {"challenger": decision.challenger}
    if decision.champion:
        candidates["champion"] = decision.champion
    if decision.unusable:
        terminal.say(decision.unusable)
    terminal.table(f"test split of {decision.challenger.run.data}", [_row(role, candidate) for role, candidate in candidates.items()])
    for role, candidate in candidates.items():
        terminal.say(f"{role}, run {candidate.run.run_id}:")
        terminal.command(f"python -m src.sweep {candidate.run.overrides}")
    against, (low, high) = decision.against, decision.against.interval
    opponent = "the champion" if decision.champion else f"a constant answer, {decision.challenger.constant.mean():.4f}"
    level = "" if decision.level is None else f": p must be below {decision.level:.2g}"
    terminal.say(
        f"against {opponent}: {against.gain:+.4f}, 95 % between {low:+.4f} and {high:+.4f}, p = {against.p_value:.3g} by {against.test}\n"
        f"opening {decision.opening} of this test split{level}"
    )


def _row(role: str, candidate: "Candidate") -> dict[str, str]:
    low, high = candidate.interval
    return {
        "": role,
        candidate.measure: f"{candidate.score:.4f}",
        "95 %": f"{low:.4f} to {high:.4f}",
        "MB": f"{candidate.run.megabytes:.2f}",
        "ms": f"{candidate.milliseconds:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
