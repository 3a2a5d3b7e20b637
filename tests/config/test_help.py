from src.config.help import help_text
from tests.conftest import options


def test_help_has_examples_first_then_every_option_and_question(loader) -> None:
    text = help_text(loader)
    assert text.index("python -m src.sweep -m optimizer=sgd,adam,rmsprop") < text.index("Groups") < text.index("Questions")
    for group in ("data", "model", "optimizer", "training"):
        line = next(line for line in text.splitlines() if line.startswith(f"  {group} "))
        assert all(option in line for option in options(group))
    for name in options("sweeps"):
        line = next(line for line in text.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith("?")
