"""Finds settings without effect, which would otherwise be ignored in silence."""

from collections.abc import Iterator

from src.config.overrides import Assignment
from src.config.paths import REPEATS, TRIAL_KEYS, Options
from src.config.request import Request


def mistakes(request: Request, options: Options) -> Iterator[str]:
    """Yields settings that have no effect beside others, or that contradict them."""
    given = {one.key: one for one in request.assignments if any(value is not None for value in one.values_or_ends)}
    if not request.multirun:
        yield from _of_one_trial(request, given)
    yield from _of_the_oracle(request, options)
    if "data.folds" in given and "data.validation_split" in given:
        yield f"{given['data.validation_split'].origin}: {given['data.folds'].origin} takes its place; expected one of them."
    resumes = request.multirun and "resume" in [one.key for one in request.assignments]
    for one in request.assignments:
        if one.key in ("resume", "retry", "allow") and not resumes:
            yield f"{one.origin}: expected the sweep's own command behind -m, and resume=latest or its id."
        if request.reported and one.origin.startswith("sweeps/") and one.group in TRIAL_KEYS and one.key not in REPEATS:
            yield f"{one.origin}: the figures of reported belong to trials that differ in seeds alone; expected it in each trial."


def _of_one_trial(request: Request, given: dict[str, Assignment]) -> Iterator[str]:
    for one in given.values():
        if one.group in ("oracle", "stop"):
            yield f"{one.origin}: there is one trial, and no next one; expected -m in front, or no such setting."
    if request.trials:
        yield f"sweeps/{request.sweep}.yaml: trials: several trials; expected hydra: {{mode: MULTIRUN}}, or -m in front."


def _of_the_oracle(request: Request, options: Options) -> Iterator[str]:
    """Yields settings about which the oracle decides itself, and `stop.trial` where scores of trials cannot be compared."""
    name = options["oracle"][0]
    settings = request.catalog.readable("oracle").get(name, {})
    chooses_epochs = "oracle.max_epochs" in settings
    if chooses_epochs and "training" in request.catalog.unused(options):
        yield f"oracle={name}: it decides on training.epochs, which no trial uses; expected another oracle, or uses: [training]."
    for one in request.everything:
        if one.key == "training.epochs" and chooses_epochs:
            yield f"{one.origin}: {name} decides on the epochs; expected oracle.max_epochs={one.texts[-1] if one.texts else 20}"
    least, most = (request.of_oracle(key) for key in ("oracle.min_epochs", "oracle.max_epochs"))
    if type(least) is int and type(most) is int and least > most:
        yield f"oracle.min_epochs={least}: more than oracle.max_epochs={most}, so that no trial would go on; expected less."
    stop = request.setting("stop.trial", request.catalog.top["stop.trial"])
    if stop and (chooses_epochs or "oracle.resolution" in settings):
        yield f"stop.trial={stop}: oracle={name} decides itself which trials go on; expected stop.trial=null, or another oracle."
    of_data = {(one.key, str(value)) for one in request.everything if one.group == "data" for value in one.values_or_ends}
    keys_of_data = [key for key, _ in of_data if key not in REPEATS]
    if stop and len(keys_of_data) > len(set(keys_of_data)):
        yield f"stop.trial={stop}: scores on other data are no measure of a trial; expected one data set for all, or stop.trial=null."
