"""Trains with the `fit` of a KerasTuner hypermodel, in the engines that `python -m src.adopt` writes."""

import contextlib
import inspect
import io
import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.datasets import Dataset
from src.errors import TrialError
from src.objective import Objective
from src.training import Fitted, Monitor, Schedule
from src.training.keeper import Keeper

log = logging.getLogger(__name__)
CLOSE = 1e-5  # relative difference of a returned score from the reported one


def fit_of(
    hypermodel: Any,
    model: keras.Model,
    data: Dataset,
    values: Mapping[str, Any],
    *,
    seed: int,
    objective: Objective,
    schedule: Schedule,
    monitor: Monitor,
    takes: tuple[str, ...],
    positional: int = 0,
    batched: int | None = None,
) -> Fitted:
    """Calls `hypermodel.fit(hp, model, …)` as KerasTuner does, and leaves the weights of the kept epoch in the model.

    Each call of `on_epoch_end` of its callbacks reports an epoch, as in Keras' `fit`. Without such a call, the returned metrics are those
    of the only epoch.

    Args:
        values: hyperparameter → value, for the hyperparameters that `fit` asks for.
        takes: names of the search's arguments, of: x, y, validation_data, epochs, batch_size.
        positional: how many of them, from the first, are passed by position.
        batched: batch size of the tf.data.Datasets that replace the arrays; None for arrays.

    Raises:
        TrialError: `fit` returns another score than it reported, or neither returns nor reports the objective.
        errors.Stop: the monitor requested it.
    """
    keras.utils.set_random_seed(seed)
    keeper = Keeper(objective, schedule, monitor)
    keeper.set_model(model)
    keeper.set_params({"epochs": schedule.epochs})
    hyperparameters = model.hyperparameters
    hyperparameters.values |= {name: value for name, value in values.items() if value is not None}
    arguments = arguments_of(data.train, data.validation, schedule, takes, batched)
    verbose = {"verbose": 0} if _takes_verbose(hypermodel) else {}
    first = [arguments.pop(name) for name in takes[:positional]]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            returned = hypermodel.fit(hyperparameters, model, *first, **arguments, **verbose, callbacks=[keeper])
    finally:
        for line in printed.getvalue().splitlines():
            log.info("%s", line)
    if not keeper.epochs:
        keeper.on_epoch_end(0, _metrics(returned, objective))
    score = keeper.history[objective.name][keeper.kept_epoch - 1]
    returned_score = _metrics(returned, objective).get(objective.name, score)
    if not np.isclose(returned_score, score, rtol=CLOSE, atol=CLOSE):
        raise TrialError(
            f"fit returned {objective.name}={returned_score:.6g}, and reported {score:.6g} for its best epoch, whose weights are kept;"
            " expected the same. Report in on_epoch_end what it returns, or return the best epoch's."
        )
    keeper.end(model)
    return Fitted(keeper.history, keeper.kept_epoch, cancelled=keeper.cancelled)


def arguments_of(
    train: tuple[Any, Any], validation: tuple[Any, Any], schedule: Schedule, takes: tuple[str, ...], batched: int | None
) -> dict[str, Any]:
    """Returns the arguments of a search whose names are in `takes`; with `batched`, the two data sets in any case."""
    settings = {"epochs": schedule.epochs, "batch_size": schedule.batch_size}
    if batched:
        of_train, of_validation = (tf.data.Dataset.from_tensor_slices(part).batch(batched) for part in (train, validation))
        return {"x": of_train, "validation_data": of_validation} | {name: settings[name] for name in takes if name in settings}
    known = {**settings, "x": train[0], "y": train[1], "validation_data": validation}
    return {name: known[name] for name in takes if name in known}


def _takes_verbose(hypermodel: Any) -> bool:
    return any(one.kind is one.VAR_KEYWORD or one.name == "verbose" for one in inspect.signature(hypermodel.fit).parameters.values())


def _metrics(returned: Any, objective: Objective) -> dict[str, float]:
    """Returns the metrics in what `fit` returned; empty for a History, whose epochs were reported.

    Raises:
        TrialError: KerasTuner does not accept such a value, either.
    """
    if isinstance(returned, keras.callbacks.History):
        return {}
    if isinstance(returned, Mapping):
        return {str(name): float(value) for name, value in returned.items()}
    if isinstance(returned, int | float | np.floating):
        return {objective.name: float(returned)}
    raise TrialError(f"fit returned {type(returned).__name__}; expected a History, a number, or a mapping of metrics.")
