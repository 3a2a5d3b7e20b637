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


class Predictor(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
    """Maps inputs, scaled as in training, to the answers of the task.

    Refuses inputs that are not finite or that are obviously scaled otherwise; src/datasets/scale.py has the rule.
    """

    def load_context(self, context: Any) -> None:
        """Builds the network with our own code and loads its weights.

        Raises:
            ValueError: the weights are not those that were recorded.
        """
        from src import models
        from src.datasets.scale import Scale
        from src.training import runtime

        file = {name: Path(place) for name, place in context.artifacts.items()}
        config, checks = yaml.safe_load(file["config.yaml"].read_text()), json.loads(file["checks.json"].read_text())
        self.scale = Scale(*checks["scale"]) if checks["scale"] else None
        runtime.set_precision(config["training"])
        self.interface = models.Interface.read(file["interface.json"].parent)
        self.network = models.build(config["model"], self.interface)
        weights = file["model.weights.h5"]
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if digest != checks["sha256"]:
            raise ValueError(f"{weights} was changed: SHA-256 {digest}, recorded {checks['sha256']}. It is not used.")
        self.network.load_weights(weights)

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Returns one row per input, with the columns that the task answers with.

        Args:
            model_input: an array, a dict of arrays, or a data frame, as the signature says.

        Raises:
            MlflowException: the inputs are not those of the model or not scaled as in training, or the outputs are no predictions.
        """
        from src.errors import TrialbookError
        from src.tracking import inputs

        try:
            x = inputs.conform(model_input, self.interface.example)
            if self.scale and (mistake := self.scale.mistake(x)):
                raise ValueError(mistake)
            return self.interface.answer(self.network, x)
        except (ValueError, TrialbookError) as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


mlflow.models.set_model(Predictor())
