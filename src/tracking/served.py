"""Makes the MLflow model of a run, to be registered and served: `classifier.py` as its code, its files as artifacts."""

import hashlib
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import yaml
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

from src.config.paths import ROOT

PACKAGES = ("mlflow", "keras", "tensorflow", "hydra-core", "scikit-learn")  # that the model needs where it is served
ARTIFACT = "champion"


def log_model(
    client: MlflowClient, run_id: str, weights: bytes, config: dict[str, Any], names: tuple[str, ...], example: np.ndarray
) -> str:
    """Adds the model to the artifacts of its run; the address to register it by.

    Args:
        weights: content of its model.weights.h5.
        config: of the trial.
        names: of the classes.
        example: one batch of inputs, shape (1, *input_shape).
    """
    contents = {
        "model.weights.h5": weights,
        "config.yaml": yaml.safe_dump(config, sort_keys=False).encode(),
        "classes.json": json.dumps(
            {"names": names, "input_shape": example.shape[1:], "sha256": hashlib.sha256(weights).hexdigest()}
        ).encode(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        mlflow.pyfunc.save_model(
            folder / "model",
            python_model=str(Path(__file__).with_name("classifier.py")),
            artifacts={file: str(folder / file) for file in contents},
            code_paths=[str(ROOT / "src")],
            signature=ModelSignature(Schema([TensorSpec(np.dtype(np.float32), (-1, *example.shape[1:]))])),
            input_example=example,
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        )
        client.log_artifacts(run_id, str(folder / "model"), ARTIFACT)
    return f"runs:/{run_id}/{ARTIFACT}"
