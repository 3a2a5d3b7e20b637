"""Options by their names: quoted, nested, names that read as numbers, and files that cannot be used."""

import shlex
from collections.abc import Callable

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode

from src.config.catalog import Catalog
from src.config.command_line import read, read_command_line
from src.config.composer import Composer
from src.config.help import help_text
from src.config.mistakes import find_mistakes
from src.errors import ConfigError
from src.space import Space, overrides

Conf = Callable[[dict[str, str]], ConfigLoader]
NETWORK = "_target_: src.models.two_layer.build\nunits: 3\nactivation: relu\ndropout: 0.0\n"
FILES = {f"model/{name}.yaml": NETWORK for name in ("100", "on", "1e3", "2026_11_26", "true", "cnn/small")}


def lines(loader: ConfigLoader, *words: str) -> list[str]:
    """The trials of a sweep, each composed by Hydra itself, too."""
    request = read(loader, list(words), multirun=True)
    assert find_mistakes(request) == []
    found = [overrides(point) for point in Space.of(request).points()]
    for point in found:
        assert loader.load_configuration("config", point, RunMode.RUN).model == Composer(loader)(point).model
    return [" ".join(point) for point in found]


def mistakes(loader: ConfigLoader, *words: str) -> str:
    try:
        return "\n".join(find_mistakes(read(loader, list(words), multirun=True)))
    except ConfigError as error:
        return "\n".join(error.mistakes)


def test_quotes_mean_nothing_for_a_name(conf: Conf) -> None:
    sweep = "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params: {optimizer: 'sgd,adam'}\n"
    sweep += "    when: {\"optimizer='sgd'\": {optimizer.momentum: [0.1, 0.2]}}\n    exclude: [{optimizer: \"'adam'\"}]\n"
    loader = conf({"sweeps/quoted.yaml": sweep})
    assert lines(loader, "model='two_layer'", "model.units=10,20") == ["model=two_layer model.units=10", "model=two_layer model.units=20"]
    assert lines(loader, "optimizer='sgd',\"adam\"", "optimizer.momentum=0.1") == ["optimizer.momentum=0.1 optimizer=sgd", "optimizer=adam"]
    assert lines(loader, "sweeps=quoted") == ["optimizer=sgd optimizer.momentum=0.1", "optimizer=sgd optimizer.momentum=0.2"]
    assert "given twice" in mistakes(loader, "optimizer='sgd',sgd")
    fingerprints = {
        Space.of(read(loader, [words], multirun=True)).fingerprint for words in ("optimizer=sgd,adam", "optimizer='sgd','adam'")
    }
    assert len(fingerprints) == 1


@pytest.mark.parametrize("name", ["100", "on", "1e3", "2026_11_26", "true", "cnn/small"])
def test_a_name_may_read_as_something_else_and_stand_in_a_folder(name: str, conf: Conf) -> None:
    loader = conf(FILES)
    for written in (name, f"'{name}'"):
        found = lines(loader, f"model={written},one_layer", "model.units=5")
        assert shlex.split(found[0])[0] == "model.units=5" and found[1] == "model=one_layer"


def test_hydra_is_told_a_name_in_quotes(conf: Conf) -> None:
    loader = conf(
        {**FILES, "sweeps/2026_11_26.yaml": "# @package _global_\ndefaults:\n  - override /model: '100'\nhydra: {mode: MULTIRUN}\n"}
    )
    assert read_command_line(loader, ["model=100", "seed=3"]).arguments == ["model='100'", "seed=3"]
    assert read_command_line(loader, ["sweeps=2026_11_26", "seed=1,2"]).arguments[0] == "sweeps='2026_11_26'"
    assert lines(loader, "sweeps=2026_11_26", "seed=1,2") == ["model='100' seed=1", "model='100' seed=2"]


def test_a_folder_within_a_group_is_listed_hinted_at_and_found_by_glob(conf: Conf) -> None:
    loader = conf(FILES)
    assert "cnn/small" in Catalog(loader).groups["model"] and "cnn/small" in help_text(loader)
    assert "did you mean 'cnn/small'?" in mistakes(loader, "model=cnn/smal")
    assert "did you mean 'cnn/small'?" in mistakes(loader, "model=small")
    assert "did you mean 'two_layer'?" in mistakes(loader, "model=two_layr")
    assert "model=cnn: cnn is a folder of options; expected model=cnn/small." in mistakes(loader, "model=cnn")
    assert lines(loader, "model=glob(cnn/*)") == ["model=cnn/small"]


def test_an_option_of_a_folder_inherits_as_hydra_does(conf: Conf) -> None:
    files = {
        f"model/cnn/{name}.yaml": f"defaults: [cnn/small{package}, _self_]\nunits: 8\n" for name, package in (("l", "@_here_"), ("w", ""))
    }
    when = "when: {model=cnn/l: {model.units: [8, 9]}}, exclude: [{model: cnn/l, model.units: 9}]"
    head = "# @package _global_\ndefaults: [override /model: cnn/small]\nhydra: {mode: MULTIRUN, sweeper: {"
    loader = conf({**FILES, **files, "sweeps/mine.yaml": f"{head}params: {{model: [cnn/small, cnn/l]}}, {when}}}}}\n"})
    assert lines(loader, "model=cnn/l,cnn/small") == ["model=cnn/l", "model=cnn/small"]
    assert lines(loader, "sweeps=mine") == ["model=cnn/small", "model=cnn/l model.units=8"]
    assert "cnn/small of its defaults list has its keys under model.cnn" in mistakes(loader, "model=cnn/w")
    assert "expected cnn/small@_here_." in mistakes(loader, "model=cnn/w")


BROKEN = {
    "defaults: [nope, _self_]\n": "Could not load 'model/nope'",
    "units: [1, 2\n": "Expected YAML",
    "- 1\n": "expected a mapping",
    "# @package _global_\nmodel: {units: 3}\n": "'# @package _global_' puts its keys elsewhere than under 'model'",
    "defaults: [stray, _self_]\n": "its defaults list brings model/stray, outside of 'model'",
    "defaults: [/optimizer@_global_.extra: adam, _self_]\n": "outside of 'model'",
}


@pytest.mark.parametrize(("content", "message"), BROKEN.items())
def test_a_file_that_can_not_be_used_is_told_to_those_who_choose_it_alone(content: str, message: str, conf: Conf) -> None:
    loader = conf({"model/mine.yaml": content, "model/stray.yaml": "# @package _global_\ntraining: {epochs: 3}\n"})
    told = mistakes(loader, "model=mine,two_layer", "model.units=5,6")
    assert told.startswith("conf/model/mine.yaml") and message in told and "Config search path" not in told
    assert "did you mean 'model.units'?" in mistakes(loader, "model.unitz=3")
    assert "there is no 'model.unitz'" in mistakes(loader, "sweeps=dropout", "model.unitz=3")


@pytest.mark.parametrize("entry", ["dropout", "{override /model: 100}", "{model: one_layer}", "{override /nothing: x}"])
def test_a_sweeps_file_that_brings_more_than_options_is_refused(entry: str, conf: Conf) -> None:
    """What it inherits would be in Hydra's configuration and in no trial."""
    loader = conf({"sweeps/mine.yaml": f"# @package _global_\ndefaults: [{entry}, _self_]\nhydra: {{mode: MULTIRUN}}\n"})
    assert "expected _self_ and 'override /GROUP: OPTION'" in mistakes(loader, "sweeps=mine")
