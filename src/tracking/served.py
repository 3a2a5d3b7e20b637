"""Makes the MLflow model of a run, to be registered and served: its code is `predictor.py`, its artifacts are files of the run."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature

from src.artifacts import WEIGHTS
from src.config.paths import ROOT
from src.datasets.scale import Scale
from src.errors import TrialbookError, first_words
from src.models.interface import DESCRIPTION, EXAMPLE, Interface
from src.tracking import inputs

PACKAGES = ("mlflow", "keras", "tensorflow", "hydra-core", "scikit-learn")  # requirements of the served model
ARTIFACT = "champion"
CODE = "predictor.py"
CONFIG, CHECKS = "config.yaml", "checks.json"
FILES = (WEIGHTS, CONFIG, CHECKS, DESCRIPTION, EXAMPLE)
NEEDED = ("MLmodel", CODE, "code/src/trial.py", *(f"artifacts/{file}" for file in FILES))


@dataclass(frozen=True)
class Served:
    """The contents of a registered model, besides our code.

    Attributes:
        weights: content of model.weights.h5.
        config: configuration of the trial.
        interface: what the model takes and gives.
        scale: scale of the training examples; inputs of another scale are refused. None accepts any.
    """

    weights: bytes
    config: dict[str, Any]
    interface: Interface
    scale: Scale | None


def log_model(client: MlflowClient, run_id: str, served: Served) -> str:
    """Adds the model to the artifacts of its run; returns the address under which it can be registered."""
    checks = {
        "scale": [served.scale.least, served.scale.largest] if served.scale else None,
        "sha256": hashlib.sha256(served.weights).hexdigest(),
    }
    contents = {
        WEIGHTS: served.weights,
        CONFIG: yaml.safe_dump(served.config, sort_keys=False).encode(),
        CHECKS: json.dumps(checks).encode(),
        **served.interface.files(),
    }
    example = served.interface.example
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        mlflow.pyfunc.save_model(
            folder / "model",
            python_model=str(Path(__file__).with_name(CODE)),
            artifacts={file: str(folder / file) for file in contents},
            code_paths=[str(ROOT / "src")],
            signature=ModelSignature(inputs.schema_of(example)),
            input_example=inputs.for_model(example),
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        )
        client.log_artifacts(run_id, str(folder / "model"), ARTIFACT)
    return f"runs:/{run_id}/{ARTIFACT}"


def scale_of(artifacts: Path) -> Scale | None:
    """Returns the scale of inputs that a registered model takes, from its artifacts; None if it takes any."""
    scale = json.loads((artifacts / CHECKS).read_text())["scale"]
    return Scale(*scale) if scale else None


@contextmanager
def whole(client: MlflowClient, run_id: str, digest: str) -> Iterator[Path]:
    """Downloads the registered model of a run and checks that it is complete; executes nothing of it.

    Args:
        digest: recorded SHA-256 of its weights.

    Yields:
        The temporary folder of its artifacts.

    Raises:
        TrialbookError: a file is missing, or the weights are not those that were recorded.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = Path(client.download_artifacts(run_id, ARTIFACT, folder))
        except (MlflowException, OSError) as error:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/ cannot be read: {first_words(error)}") from error
        missing = [file for file in NEEDED if not (model / file).is_file()]
        if missing:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/ has no {', '.join(missing)}; expected what a promotion wrote.")
        present = hashlib.sha256((model / "artifacts" / WEIGHTS).read_bytes()).hexdigest()
        if present != digest:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/{WEIGHTS} was changed: SHA-256 {present}, recorded {digest}. It is not used.")
        yield model / "artifacts"
