"""The text of the files that an adoption writes."""

import pprint
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from src.adopting.data import Data
from src.adopting.discovery import Found
from src.adopting.names import argument
from src.adopting.recording import Script
from src.adopting.tuners import Search
from src.config.request import PACKAGE_LINE
from src.training import SCHEDULED

TYPES = {"Int": "int", "Float": "float", "Boolean": "bool"}
FUTURE = "from __future__"


@dataclass(frozen=True)
class Module:
    """All that decides on the files.

    Attributes:
        words: FILE.py:NAME.
        is_class: the target is a class of hypermodels, no function and no instance.
        built, of_fit: the hyperparameters for which its `build` and its `fit` ask.
        overrides: optimizer, loss and metrics of the tuner, serialized.
        numbered, logits: as in src.adopted.built.
    """

    words: str
    name: str
    script: Script
    is_class: bool
    built: list[Found]
    of_fit: list[Found]
    overrides: dict[str, Any]
    numbered: bool
    logits: bool

    @property
    def origin(self) -> str:
        """The command that writes these files again."""
        return f"python -m src.adopt {self.words}"


def model(module: Module) -> bytes:
    """src/models/NAME.py: the part of the script, and the function `build`."""
    parts = [one.text for one in module.script.model_part]
    future = [text for text in parts if text.startswith(FUTURE)]
    parts = [text for text in parts if not text.startswith(FUTURE)]
    target = module.script.target
    options = ", numbered=True" if module.numbered else ""
    options += ", logits=True" if module.logits else ""
    options += ", compiled_with=COMPILED_WITH" if module.overrides else ""
    overrides = [f"COMPILED_WITH = {pprint.pformat(module.overrides, width=120, sort_dicts=False)}"] if module.overrides else []
    arguments = ", ".join(f"{argument(one.name)}: {_type(one)}" for one in module.built)
    values = ", ".join(f"{one.name!r}: {argument(one.name)}" for one in module.built)
    lines = [
        f'"""{target} of {module.script.path.name}, with what it needs from there: {module.origin}"""',
        *future,
        "from src.adopted import built as _built",
        *parts,
        "# What follows is what Trialbook calls. None stands for a hyperparameter that these values do not ask for.",
        *overrides,
        f"HYPERMODEL = {target}{'()' if module.is_class else ''}",
        f"def build({f'*, {arguments}' if arguments else ''}):\n"
        f'    """Builds the model of these hyperparameters."""\n'
        f"    return _built(HYPERMODEL, {{{values}}}{options})",
    ]
    return ("\n\n".join(lines) + "\n").encode()


def engine(module: Module, search: Search, data: Data | None, objective: str) -> bytes:
    """src/training/NAME.py: the engine that calls the hypermodel's own `fit`."""
    own = [argument(one.name) for one in module.of_fit if argument(one.name) not in SCHEDULED]
    places = {one.name: f"schedule.{one.name}" if one.name in SCHEDULED else argument(one.name) for one in module.of_fit}
    values = ", ".join(f"{name!r}: {place}" for name, place in places.items())
    batched = f", batched={data.batch_size}" if data and data.batch_size else ""
    name = objective.rpartition(":")[2]
    text = f'''"""The fit of {module.script.target} of {module.script.path.name}: {module.origin}"""

from src.models.{module.name} import HYPERMODEL
from src.training import Fitted
from src.training.hypermodel import fit_of

REPORTS = ({name!r},)


def fit(model, data, *, seed, objective, schedule, monitor{"".join(f", {one}" for one in own)}) -> Fitted:
    """Calls it with the data as the script gave them to its search."""
    common = {{"seed": seed, "objective": objective, "schedule": schedule, "monitor": monitor}}
    values = {{{values}}}
    return fit_of(HYPERMODEL, model, data, values, **common, takes={takes(search)!r}, positional={search.positional}{batched})
'''
    return text.encode()


def takes(search: Search) -> tuple[str, ...]:
    """The names of the arguments of a search that its `fit` gets from a trial."""
    given = [name for name in search.arguments if name in ("x", "y", "validation_data", "validation_split", "epochs", "batch_size")]
    return tuple("validation_data" if name == "validation_split" else name for name in given)


def model_yaml(module: Module, *, compiled: bool, own_fit: bool) -> bytes:
    """conf/model/NAME.yaml; those that only some models ask for are null."""
    node: dict[str, Any] = {"_target_": f"src.models.{module.name}.build"}
    node |= {"compile": False} if compiled else {}
    node["inactive"] = ["optimizer"]
    node |= {argument(one.name): _default(one) for one in module.built}
    if own_fit:
        node["engine"] = {"name": module.name, **{argument(one.name): _default(one) for one in module.of_fit}}
    return f"# {module.script.target} of {module.script.path.name}: {module.origin}\n{_yaml(node)}".encode()


def sweep_yaml(module: Module, content: dict[str, Any]) -> bytes:
    """sweeps/NAME.yaml."""
    title = f"What does the search of {module.script.path.name} for {module.script.target} find?"
    return f"{PACKAGE_LINE}\n# {title}\n#   python -m src.sweep sweeps={module.name}\n#   {module.origin}\n{_yaml(content)}".encode()


def _default(one: Found) -> Any:
    if one.kind == "Fixed":
        return getattr(one.parameter, "value", one.parameter.default)
    return None if one.condition else one.parameter.default


def _type(one: Found) -> str:
    return TYPES.get(one.kind, type(one.parameter.default).__name__) + (" | None" if one.condition else "")


def _yaml(node: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(node, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000)
    return text


def name_of(words: str) -> str:
    """A name for the files: that of the script, and of its hypermodel unless that is `build_model`."""
    path, _, target = words.partition(":")
    stem = argument(Path(path).stem)
    return stem if target in ("build", "build_model", "model_builder", "") else f"{stem}_{argument(target).lower()}"
