"""Generates the files that an adoption writes."""

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
    """Everything from which the files are generated.

    Attributes:
        words: FILE.py:NAME.
        is_class: True if the target is a class of hypermodels, not a function or an instance.
        built, of_fit: the hyperparameters that `build` and `fit` use.
        overrides: optimizer, loss and metrics of the tuner, serialized.
        numbered, logits: arguments of src.adopted.built.
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
    """Returns src/models/NAME.py: the part of the script that the hypermodel needs, and the function `build`."""
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
        f'"""{target} of {module.script.path.name}, with the statements that it needs: {module.origin}"""',
        *future,
        "from src.adopted import built as _built",
        *parts,
        "# Trialbook calls the code below. None is the value of a hyperparameter that the other values leave unused.",
        *overrides,
        f"HYPERMODEL = {target}{'()' if module.is_class else ''}",
        f"def build({f'*, {arguments}' if arguments else ''}):\n"
        f'    """Builds the model with these hyperparameters."""\n'
        f"    return _built(HYPERMODEL, {{{values}}}{options})",
    ]
    return ("\n\n".join(lines) + "\n").encode()


def engine(module: Module, search: Search, data: Data | None, objective: str) -> bytes:
    """Returns src/training/NAME.py: the engine that calls the hypermodel's own `fit`."""
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
    """Calls it with the data in the form in which the script gave them to its search."""
    common = {{"seed": seed, "objective": objective, "schedule": schedule, "monitor": monitor}}
    values = {{{values}}}
    return fit_of(HYPERMODEL, model, data, values, **common, takes={takes(search)!r}, positional={search.positional}{batched})
'''
    return text.encode()


def takes(search: Search) -> tuple[str, ...]:
    """Returns the names of the arguments of a search that its `fit` gets from a trial."""
    given = [name for name in search.arguments if name in ("x", "y", "validation_data", "validation_split", "epochs", "batch_size")]
    return tuple("validation_data" if name == "validation_split" else name for name in given)


def model_yaml(module: Module, *, compiled: bool, own_fit: bool) -> bytes:
    """Returns conf/model/NAME.yaml, in which hyperparameters that only some models use are null."""
    node: dict[str, Any] = {"_target_": f"src.models.{module.name}.build"}
    node |= {"compile": False} if compiled else {}
    node["inactive"] = ["optimizer"]
    node |= {argument(one.name): _default(one) for one in module.built}
    if own_fit:
        node["engine"] = {"name": module.name, **{argument(one.name): _default(one) for one in module.of_fit}}
    return f"# {module.script.target} of {module.script.path.name}: {module.origin}\n{_yaml(node)}".encode()


def sweep_yaml(module: Module, content: dict[str, Any]) -> bytes:
    """Returns sweeps/NAME.yaml."""
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
    """Returns a name for the files: the script's name, and the hypermodel's unless it is a usual one such as `build_model`."""
    path, _, target = words.partition(":")
    stem = argument(Path(path).stem)
    return stem if target in ("build", "build_model", "model_builder", "") else f"{stem}_{argument(target).lower()}"
