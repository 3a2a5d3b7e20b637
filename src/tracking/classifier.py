"""The registered model as code: MLflow runs this file with src/ beside it. Nothing is pickled."""

import hashlib
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException


class Classifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
    """Maps inputs (batch, *input_shape), scaled as in training, to their class, its probability, and all probabilities.

    Refuses inputs that are not finite or that are obviously scaled otherwise; src/datasets/scale.py has the rule.
    """

    def load_context(self, context: Any) -> None:
        """Builds the network with our own code and loads its weights.

        Raises:
            ValueError: the weights are not those that were recorded.
        """
        from src import models
        from src.datasets.scale import Scale

        config = yaml.safe_load(Path(context.artifacts["config.yaml"]).read_text())
        classes = json.loads(Path(context.artifacts["classes.json"]).read_text())
        self.names = classes["names"]
        self.scale = Scale(*classes["scale"])
        shape = tuple(classes["input_shape"])
        self.network = models.build(config["model"], shape, len(self.names))
        weights = Path(context.artifacts["model.weights.h5"])
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if digest != classes["sha256"]:
            raise ValueError(f"{weights} was changed: SHA-256 {digest}, recorded {classes['sha256']}. It is not used.")
        self.network.load_weights(weights)

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Returns one row per input: `class`, `probability`, and a column per class name.

        Raises:
            MlflowException: the inputs are not scaled as in training, or the outputs of the network are no probabilities.
        """
        from src.datasets.contract import checked
        from src.errors import TrialbookError

        x = np.asarray(model_input, np.float32)
        if mistake := self.scale.mistake(x):
            raise MlflowException.invalid_parameter_value(mistake)
        try:
            probabilities = checked(np.asarray(self.network.predict(x, verbose=0)), len(x), len(self.names))
        except TrialbookError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        best = probabilities.argmax(axis=1)
        columns = {"class": [self.names[i] for i in best], "probability": probabilities.max(axis=1)}
        return pd.DataFrame({**columns, **{name: probabilities[:, i] for i, name in enumerate(self.names)}})


mlflow.models.set_model(Classifier())
