"""Makes the MLflow model of a run, to be registered and served: `classifier.py` as its code, its files as artifacts."""

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
import numpy as np
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

from src.config.paths import ROOT
from src.datasets.scale import Scale
from src.errors import TrialbookError

PACKAGES = ("mlflow", "keras", "tensorflow", "hydra-core", "scikit-learn")  # that the model needs where it is served
ARTIFACT = "champion"
CODE = "classifier.py"
WEIGHTS, CONFIG, CLASSES = "model.weights.h5", "config.yaml", "classes.json"
NEEDED = ("MLmodel", CODE, "code/src/trial.py", *(f"artifacts/{file}" for file in (WEIGHTS, CONFIG, CLASSES)))


@dataclass(frozen=True)
class Served:
    """What a registered model is made of, beside our code.

    Attributes:
        weights: content of its model.weights.h5.
        config: of the trial.
        names: of the classes.
        scale: of the examples that it was trained on; inputs of another scale are refused.
    """

    weights: bytes
    config: dict[str, Any]
    names: tuple[str, ...]
    scale: Scale


def log_model(client: MlflowClient, run_id: str, served: Served, example: np.ndarray) -> str:
    """Adds the model to the artifacts of its run; the address to register it by.

    Args:
        example: one batch of inputs, shape (1, *input_shape).
    """
    described = {
        "names": served.names,
        "input_shape": example.shape[1:],
        "scale": [served.scale.least, served.scale.largest],
        "sha256": hashlib.sha256(served.weights).hexdigest(),
    }
    contents = {
        WEIGHTS: served.weights,
        CONFIG: yaml.safe_dump(served.config, sort_keys=False).encode(),
        CLASSES: json.dumps(described).encode(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        mlflow.pyfunc.save_model(
            folder / "model",
            python_model=str(Path(__file__).with_name(CODE)),
            artifacts={file: str(folder / file) for file in contents},
            code_paths=[str(ROOT / "src")],
            signature=ModelSignature(Schema([TensorSpec(np.dtype(np.float32), (-1, *example.shape[1:]))])),
            input_example=example,
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        )
        client.log_artifacts(run_id, str(folder / "model"), ARTIFACT)
    return f"runs:/{run_id}/{ARTIFACT}"


@contextmanager
def whole(client: MlflowClient, run_id: str, digest: str) -> Iterator[Path]:
    """A folder with the artifacts of a run's registered model, of which nothing was executed.

    Args:
        digest: recorded SHA-256 of its weights.

    Raises:
        TrialbookError: a file is missing, or the weights are others.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = Path(client.download_artifacts(run_id, ARTIFACT, folder))
        except (MlflowException, OSError) as error:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/ can not be read: {str(error).partition(chr(10))[0]}") from error
        if missing := [file for file in NEEDED if not (place / file).is_file()]:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/ has no {', '.join(missing)}; expected what a promotion wrote.")
        found = hashlib.sha256((place / "artifacts" / WEIGHTS).read_bytes()).hexdigest()
        if found != digest:
            raise TrialbookError(f"run {run_id}: {ARTIFACT}/{WEIGHTS} was changed: SHA-256 {found}, recorded {digest}. It is not used.")
        yield place / "artifacts"
