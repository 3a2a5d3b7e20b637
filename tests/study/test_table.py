from src.objective import Objective
from src.study import table

OBJECTIVE = Objective("val_loss", "min")
TRIALS = [
    {
        "number": n,
        "overrides": {"optimizer": "sgd", "+model.x": str(n)},
        "score": score,
        "kept_epoch": 1,
        "epochs": 2,
        "seconds": 1.0,
        "state": state,
        "cause": cause,
    }
    for n, (score, state, cause) in enumerate([(0.5, "FINISHED", ""), (None, "FAILED", "a|b"), (0.3, "FINISHED", "")])
]


def test_best_first_and_failures_last() -> None:
    rows = table.ranked(TRIALS, OBJECTIVE, ["model.x"])
    assert [(row["rank"], row["trial"], row["model.x"]) for row in rows] == [(1, 2, "2"), (2, 0, "0"), (None, 1, "1")]


def test_csv_and_markdown_hold_the_same_rows() -> None:
    rows = table.ranked(TRIALS, OBJECTIVE, ["model.x"])
    assert table.as_csv(rows).decode().splitlines()[0] == "rank,trial,model.x,val_loss,kept epoch,epochs,seconds,state,cause"
    markdown = table.as_markdown(rows).splitlines()
    assert len(markdown) == len(table.as_csv(rows).splitlines()) + 1 and "a\\|b" in markdown[-1]
    assert table.as_markdown([]) == ""


def test_noise_is_told_only_where_it_matters() -> None:
    def rows(*scores: float) -> list[dict]:
        return [{"rank": rank, "val_accuracy": score} for rank, score in enumerate(scores, 1)]

    accuracy = Objective("val_accuracy", "max")
    assert table.noise(rows(0.8867, 0.8831), accuracy, 12000) == 0.006
    assert table.noise(rows(0.8867, 0.8), accuracy, 12000) is None
    assert table.noise(rows(0.8867), accuracy, 12000) is None
