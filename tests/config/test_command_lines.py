"""Command lines that hypothesis makes up: each is run, as far as dry_run=true goes, or refused in its own words with exit code 2."""

import contextlib
import io
import os
import signal
import sys
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from src import sweep
from src.config.paths import CONF, leaves
from src.errors import ConfigError
from src.redaction import printable
from tests.conftest import checked, options
from tests.waiting import PATIENCE

LONG = "TRIALBOOK_LONG" in os.environ
GROUPS = sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())
FILES = [CONF / "config.yaml", *(file for group in GROUPS if group != "sweeps" for file in (CONF / group).glob("*.yaml"))]
KEYS = sorted(
    {
        f"{'' if file.parent == CONF else file.parent.name + '.'}{key}"
        for file in FILES
        for key in leaves(OmegaConf.to_container(OmegaConf.load(file)))
    }
)
CHOICES = [f"{group}={option}" for group in GROUPS for option in options(group)]
GOOD = r"""model.units=8,16|optimizer=sgd,adam|seed=range(1,4)|training.epochs=2|model.dropout=0,0.3|optimizer=glob(*)|note='a, "b"'
tags=[a,b]|optimizer.momentum=0.8,0.9|optimizer.learning_rate=tag(log,interval(1e-4,1e-1))|model.units=int(interval(8,64))|oracle=random
oracle=hyperband|+optimizer.clipnorm=1|model.activation=shuffle(relu,tanh)|note=${oc.env:HOME}|hydra.run.dir=x|hydra.sweep.dir=x"""
VALUES = r"""0|1|2|-1|0.5|1.5|nan|inf|-inf|1e400|1e-400|1e308|99999999999999999999|true|null|abc|''|'1'|"a b"|'|"|[|]|{|}|(|)|,|,,|1,|,1|\
\,|a\|1,2|1,1|a,b|[]|[1,2]|[[1],{a:b}]|{}|{a:1}|{a:{b:[c]}}|[1,2|{a:1|{_target_:os.getcwd}|[{_target_:os.getcwd}]|[3]|[null]|[{a:1}]
range(1,4)|range(4,1)|range(0,1,0)|range(0,1,0.25)|range(0,1000000000000)|range(0,1,1e-9)|range(0,inf)|range(nan,1)|range(a,b)|range(1
choice()|choice(1,2)|choice(1,choice(2))|choice(a|shuffle(range(0,1000000000000))|shuffle(1,2)|sort(2,1)|sort(1,a)|int(1.5)|int(nan)
interval(0.1,0.9)|interval(1,0)|interval(nan,1)|interval(0,inf)|interval()|int(interval(1,9))|int(interval(1,1e12))|tag(log,interval(0,1))
tag(log,interval(0.1,1))|tag(x,interval(0,1))|tag(log,1)|glob(*)|glob([*],exclude=s*)|glob(x)|range(1,4),7|range(0,400)|str(1)|nope(1)
${nothing}|${seed}|${note}|${oc.env:HOME}|${oc.env:TRIALBOOK_NOTHING}|${|${}|${hydra:runtime.choices.data}|a${nothing},b|[{_target_:3}]
é|'é☃'|latest|auto|/nowhere|/etc/passwd|os.getcwd|src.files.write"""
HYDRA = r"""hydra.run.dir|hydra.sweep.dir|hydra.mode|hydra.verbose|hydra.searchpath|hydra.sweeper.params|hydra.sweeper|hydra.callbacks
hydra/launcher|hydra/sweeper|hydra|hydra.nothing|hydra.output_subdir|hydra.job.chdir"""
FLAGS = r"""-m|--multirun|-r|--run|--cfg|-c|job|all|hydra|--resolve|-p|--package|--info|-i|plugins|--hydra-help|--help|-h|--version|-sc
--config-path|--config-name|--config-dir|-cd|--experimental-rerun|-x|--nothing|--|-|---|-mr|--multi|--conf"""


def _one_of(table: str) -> st.SearchStrategy[str]:
    return st.sampled_from([word for line in table.split("\n") for word in line.split("|")])


@st.composite
def _typo(draw: st.DrawFn) -> str:
    """A known word without a character, or with one twice."""
    word = draw(st.sampled_from([*KEYS, *CHOICES]))
    place = draw(st.integers(0, len(word) - 1))
    return word[:place] + word[place] * draw(st.sampled_from([0, 2])) + word[place + 1 :]


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("=,.[]{}()'\"$+~@-\n\udcff"), max_size=20
)
WORDS = st.sampled_from(KEYS) | st.sampled_from(GROUPS) | _typo() | _one_of(HYDRA)
ASSIGNED = st.builds(
    lambda prefix, key, package, value: f"{prefix}{key}{package}={value}",
    st.sampled_from(["", "", "", "", "", "+", "++", "~"]),
    WORDS,
    st.sampled_from(["", "", "", "", "", "", "@x", "@", ".x", "."]),
    _one_of(VALUES) | st.lists(_one_of(VALUES), min_size=1, max_size=3).map(",".join) | TEXT,
)
ARGUMENT = st.one_of(_one_of(GOOD), st.sampled_from(CHOICES), ASSIGNED, _typo(), WORDS, _one_of(FLAGS), TEXT)
KNOWN = _one_of(GOOD) | st.sampled_from(CHOICES)
LINES = st.tuples(
    st.sampled_from([[], ["-m"]]), st.one_of(st.lists(one, min_size=1, max_size=4) for one in (KNOWN, KNOWN | ASSIGNED, ARGUMENT))
).map(lambda parts: [*parts[0], *parts[1], "dry_run=true"])  # the last one holds
ROUND = settings(
    max_examples=1000 if LONG else 50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


FOUND = {  # by earlier rounds: a traceback, a hang, an exit code 1, or no word of the argument
    "-m seed=range(0,1000000000000)": "expected at most 100,000 values",
    "-m seed=range(0,inf)": "expected at most 100,000 values",
    "-m seed=range(1,nan)": "seed=range(1,nan)",
    "-m seed=range(0,1,0)": "in steps of 0",
    "-m seed=choice(1,choice(2))": "seed=choice(1,choice(2)): a list of values in a list of values",
    "-m seed=1,2 seed=3": "seed is given 2 times",
    "-m model.activation=${nothing},relu": "Interpolation key 'nothing' not found",
    "note=${note}": "Recursive interpolation detected",
    "optimizer@x=adam": "expected optimizer=…",
    "+optimizer.learning_rate=0.1": "say optimizer.learning_rate=… without '+'",
    "+optimizer.learning_rate.x=1": "expected optimizer.learning_rate=…",
    "++optimizer.learning_rate=abc": "a number, above 0",
    "training.metrics=[3]": "training.metrics is [3]; expected auto, or a list of names or of mappings with _target_",
    "oracle=hyperband oracle.factor=1": "at least 2",
    "oracle=asha oracle.min_epochs=0": "at least 1",
    "oracle=asha training.epochs=5": "training.epochs=5: asha decides on the epochs; expected oracle.max_epochs=5",
    "stop.target=abc": "a number, or null for off",
    "executor._target_=src.executors.local.Local": "expected executor=fused|inline",
    "model._target_=os.getcwd": "expected model=",
    "hydra.mode=MULTIRUN": "hydra.run.dir or hydra.sweep.dir",
    "hydra.searchpath=[/nowhere]": "hydra.run.dir or hydra.sweep.dir",
    "hydra.sweeper={_target_:os.getcwd}": "hydra.run.dir or hydra.sweep.dir",
    "hydra.run.dir=/etc/passwd": "expected one that can be written",
    "note='\udcff'": "surrogates not allowed",
    "--experimental-rerun job.pickle": "python -m src.reproduce run=RUN_ID",
    "--config-dir elsewhere": "--config-dir elsewhere: only conf/ and sweeps/ are read",
    "--cfg job -m": "one thing at a time",
    "--resolve": "expected --cfg job --resolve",
    "--cfg job -p nothing": "--package nothing: there is no such part",
}


@pytest.mark.parametrize(("line", "message"), FOUND.items(), ids=map(ascii, FOUND))
def test_what_was_found_is_refused(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        checked(line.split())
    assert message in str(told.value)


class Hanging(BaseException):
    """No Exception, so that nothing catches it."""


def _hanging(*_: object) -> None:
    raise Hanging


def _run(line: list[str]) -> tuple[object, str, str]:
    """The exit code, stdout and stderr of the command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before = signal.signal(signal.SIGALRM, _hanging)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder, contextlib.chdir(folder):
        patch.setattr(sys, "argv", ["sweep.py", *line])
        signal.alarm(int(PATIENCE))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                sweep.main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    return code, out.getvalue(), err.getvalue()


def _check(line: list[str], code: object, out: str, err: str) -> None:
    """Run, or refused with a mistake for each of which an argument, or its key, is named."""
    assert "Traceback" not in out + err
    assert code in (0, 2), err
    event("run" if code == 0 else "refused")
    if code == 2:
        words = {
            word for one in line for word in (one or "''", one.lstrip("+~").split("=")[0].split("@")[0], one[:2] * one.startswith("-"))
        }
        mistakes = err.split("\n  ")[1:] if err.startswith("Nothing was started") else [err]
        assert mistakes
        for mistake in mistakes:
            assert any(printable(word) in mistake for word in words - {""}), mistake


@pytest.mark.slow  # some lines want KerasTuner
@ROUND
@given(LINES.filter(lambda line: not any("\n  " in one for one in line)))
def test_a_line_is_run_or_refused(line: list[str]) -> None:
    _check(line, *_run(line))


@settings(ROUND, max_examples=30 if LONG else 4)
@given(LINES.filter(lambda line: not any("\n  " in one for one in line)))
def test_a_process_is_run_or_refuses(command, line: list[str]) -> None:
    done = command("src.sweep", *line)
    _check(line, done.returncode, done.stdout, done.stderr)
