"""The text of `python -m src.sweep --help`: examples, options, named sweeps."""

from hydra.core.config_loader import ConfigLoader

from src.config.catalog import Catalog
from src.config.paths import CONF

EXAMPLES = """\
Sweeps for Keras: Hydra composes every trial, KerasTuner chooses the next one, MLflow remembers every run.

  python -m src.sweep                                              one trial
  python -m src.sweep -m optimizer=sgd,adam,rmsprop                three, compared
  python -m src.sweep -m optimizer=sgd,adam model.dropout=0,0.3    their product, four
  python -m src.sweep -m 'model.units=range(50,200,50)' seed=1,2   functions need quotes
  python -m src.sweep sweeps=dropout note="before the holidays"    a named question, found again in MLflow
  python -m src.sweep -m data=digits optimizer=sgd,adam            a small example, seconds
  python -m src.sweep -m model.units=16,64 dry_run=true            what would run, and its cost
  python -m src.sweep -m oracle=bayesian oracle.max_trials=20 'optimizer.learning_rate=tag(log,interval(1e-4,1e-1))'
  python -m src.sweep … resume=latest                              goes on after Ctrl-C, a crash or a kill
  python -m src.sweep like=latest optimizer.learning_rate=0.003    the best trial again, with a change
"""


def help_text(loader: ConfigLoader) -> str:
    """Returns examples, groups with their options (the default in brackets), and named sweeps with their questions."""
    catalog = Catalog(loader)
    lines = [EXAMPLES, "Groups (group=option, the default in brackets):"]
    for group in sorted(catalog.defaults):
        options = [f"[{option}]" if option == catalog.defaults[group] else option for option in catalog.groups[group]]
        lines.append(f"  {group:<10} {', '.join(options)}")
    lines += ["", "Questions (sweeps=name, the command line wins over the file):"]
    lines += [f"  {name:<10} {question(name)}" for name in catalog.groups["sweeps"]]
    lines += ["", "Every key and its default:  python -m src.sweep --cfg job", "Compare the runs:           make ui"]
    lines += ["Confirm the best row:       python -m src.confirm"]
    return "\n".join(lines)


def question(sweep: str) -> str:
    """Returns the question of a sweep, the second line of its file; empty without one.

    >>> question("dropout")
    'Does dropout help the 2-layer network, and how much of it?'
    """
    lines = (CONF / "sweeps" / f"{sweep}.yaml").read_text().splitlines()
    return lines[1].strip("# ") if len(lines) > 1 else ""
