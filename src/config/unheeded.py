"""Settings that nothing would heed, which are told instead of ignored."""

from collections.abc import Iterator

from src.config.overrides import Assignment
from src.config.paths import REPEATS, TRIAL_KEYS
from src.config.request import Request


def mistakes(request: Request) -> Iterator[str]:
    """Finds settings that have no effect beside others."""
    given = {one.key: one for one in request.assignments if any(value is not None for value in one.values_or_ends)}
    if not request.multirun:
        yield from _of_one_trial(request, given)
    if "data.folds" in given and "data.validation_split" in given:
        yield f"{given['data.validation_split'].origin}: {given['data.folds'].origin} takes its place; expected one of them."
    least, most = (request.of_oracle(key) for key in ("oracle.min_epochs", "oracle.max_epochs"))
    if type(least) is int and type(most) is int and least > most:
        yield f"oracle.min_epochs={least}: more than oracle.max_epochs={most}, so that no trial would go on; expected less."
    if request.reported:
        for one in request.assignments:
            if one.origin.startswith("sweeps/") and one.group in TRIAL_KEYS and one.key not in REPEATS:
                yield f"{one.origin}: figures of reported are of trials that differ in seeds alone; expected it within each of trials."


def _of_one_trial(request: Request, given: dict[str, Assignment]) -> Iterator[str]:
    for one in given.values():
        if one.group in ("oracle", "stop"):
            yield f"{one.origin}: there is one trial, and no next one; expected -m in front, or no such setting."
    if request.trials:
        yield f"sweeps/{request.sweep}.yaml: trials: several trials; expected hydra: {{mode: MULTIRUN}}, or -m in front."
