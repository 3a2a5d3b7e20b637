from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from src import predict
from src.datasets import Dataset
from src.datasets.scale import Scale
from src.errors import TrialbookError
from src.models import Interface
from src.predict import main, show
from src.promotion.input_file import read_inputs, read_picture
from src.tasks.classes import Classes
from src.tasks.numbers import Numbers


def saved(folder: Path, values: np.ndarray) -> str:
    path = str(folder / "picture.png")
    Image.fromarray(values).save(path)
    return path


def test_a_picture_like_the_training_pictures_is_taken_as_it_is(tmp_path: Path) -> None:
    values = np.zeros((28, 28), np.uint8)
    values[10:20, 5:9] = 200
    x, done = read_picture(saved(tmp_path, values), (28, 28))
    assert done == [] and x.dtype == np.float32
    np.testing.assert_allclose(x, values / 255)


def test_a_photograph_is_made_grey_inverted_and_resized_and_it_says_so(tmp_path: Path) -> None:
    values = np.full((90, 60, 3), 250, np.uint8)
    values[30:60, 20:40] = 10
    x, done = read_picture(saved(tmp_path, values), (28, 28))
    assert done == ["RGB to grey", "inverted, its border is light", "resized from 60x90 to 28x28"]
    assert x.shape == (28, 28) and x[14, 14] > 0.9 and x[0, 0] < 0.1


def test_what_is_no_picture_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_uri: str
) -> None:
    (tmp_path / "x.png").write_text("text")
    for path in ("x.png", "missing.png"):
        with pytest.raises(TrialbookError, match="Expected a picture"):
            read_picture(str(tmp_path / path), (28, 28))
    with pytest.raises(TrialbookError, match="takes inputs of shape"):
        read_picture(str(tmp_path / "x.png"), (4,))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    for words, said in (
        (["image=x.png"], "has no champion"),
        (["file=x.png"], "has no champion"),
        (["file=x.png", "format=csv"], "no such format"),
        (["file=x.png", "model=mine"], "model=mine has no champion"),
        ([], "expected file=PATH"),
        (["file=x.png", "image=x.png"], "expected file=PATH"),
    ):
        monkeypatch.setattr("sys.argv", ["predict", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize("word", ["file", "image"])
@pytest.mark.parametrize(("largest", "code", "said"), [(1.0, 0, "0.7500  b"), (255.0, 2, "are not scaled as in training")])
def test_a_champion_of_another_scale_is_not_asked(
    word: str,
    largest: float,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store_uri: str,
) -> None:
    values = np.zeros((4, 4), np.uint8)
    values[1:3, 1:3] = 255
    x = np.full((5, 4, 4), largest, np.float32)
    task = Classes(("a", "b"))
    data = Dataset(x, np.arange(5) % 2, np.arange(4), np.array([4]), task, lambda: (x, x))
    network = SimpleNamespace(predict_on_batch=lambda _: np.array([[0.25, 0.75]]))
    monkeypatch.setattr(predict, "champion", lambda *_: (network, Interface.of(data), Scale.of(x)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    monkeypatch.setattr("sys.argv", ["predict", f"{word}={saved(tmp_path, values)}"])
    try:
        found = main()
    except SystemExit as end:
        found = end.code
    assert found == code and said in "".join(capsys.readouterr())


TABLE = {"age": np.zeros((1, 1), np.float32), "word": np.array(["a"])}


def test_colours_and_channels_are_those_of_the_training(tmp_path: Path) -> None:
    values = np.full((4, 4, 3), (250, 128, 0), np.uint8)
    x, done = read_picture(saved(tmp_path, values), (4, 4, 3))
    assert x.shape == (4, 4, 3) and done == [], "coloured pictures are not inverted"
    np.testing.assert_allclose(x, values / 255)
    x, done = read_picture(saved(tmp_path, values[:2]), (4, 4, 1))
    assert x.shape == (4, 4, 1) and done[0] == "RGB to grey" and done[-1] == "resized from 4x2 to 4x4"
    with pytest.raises(TrialbookError, match=r"takes inputs of shape \(4, 4, 5\); expected one that takes pictures"):
        read_picture(saved(tmp_path, values), (4, 4, 5))


def test_inputs_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6).reshape(2, 3))
    np.savez(tmp_path / "one.npz", anything=np.arange(6).reshape(2, 3))
    np.savez(tmp_path / "x.npz", age=np.array([1, 2]), word=np.array(["a", "b c"]))
    (tmp_path / "x.csv").write_text("word,other,age\na,0,1\nb c,0,2\n")
    (tmp_path / "numbers.csv").write_text("p,q,r\n0,1,2\n3,4,5\n")
    (tmp_path / "x.txt").write_text("a first text\nb c\n")
    numbers = np.zeros((1, 3), np.float32)
    for name in ("x.npy", "one.npz", "numbers.csv"):
        x, done = read_inputs(tmp_path / name, numbers)
        assert done == [] and x.dtype == np.float32 and x.tolist() == [[0, 1, 2], [3, 4, 5]], name
    for name in ("x.npz", "x.csv"):
        x, _ = read_inputs(tmp_path / name, TABLE)
        assert x["age"].tolist() == [[1.0], [2.0]] and x["word"].tolist() == ["a", "b c"], name
    assert read_inputs(tmp_path / "x.txt", np.array(["a"]))[0].tolist() == ["a first text", "b c"]


def test_a_picture_is_one_input(tmp_path: Path) -> None:
    x, _ = read_inputs(Path(saved(tmp_path, np.zeros((4, 4), np.uint8))), np.zeros((1, 4, 4), np.float32))
    assert x.shape == (1, 4, 4) and x.dtype == np.float32
    for example, received in ((np.array(["a"]), "texts"), (np.zeros((1, 3)), r"inputs of shape \(3,\)"), (TABLE, "several|inputs")):
        with pytest.raises(TrialbookError, match=rf"the champion takes .*{received}.*, no pictures; expected file= with a \.csv"):
            read_inputs(tmp_path / "picture.png", example)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"age\n1\n", "no word among age; expected all of age, word"),
        ("x.csv", b"", "x.csv: "),
        ("x.npy", b"not an array", "x.npy: "),
        ("x.npz", b"not an archive", "x.npz: "),
        ("x.txt", b"\xff\xfe", "x.txt: "),
        ("missing.csv", None, "missing.csv: "),
        ("missing.txt", None, "missing.txt: "),
    ],
)
def test_a_file_without_the_inputs_is_told_by_name(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TrialbookError, match=message) as told:
        read_inputs(tmp_path / name, TABLE)
    assert str(told.value).startswith(f"file={tmp_path}/{name}: ")


def test_the_most_probable_classes_of_one_example_are_shown_or_a_row_for_each() -> None:
    said: list[str] = []
    terminal = SimpleNamespace(say=said.append)
    show(terminal, Classes(("a", "b", "c", "d")).answer(np.array([[0.1, 0.4, 0.2, 0.3]])))
    assert said == ["0.4000  b", "0.3000  d", "0.2000  c"]
    said.clear()
    show(terminal, Numbers(("price",)).answer(np.array([[2.5]])))
    assert said[0].split() == ["price", "2.5000"]
    said.clear()
    show(terminal, Classes(("a", "b")).answer(np.tile([0.25, 0.75], (30, 1))))
    assert len(said[0].splitlines()) == 21 and said[1] == "… 30 rows"


def test_a_picture_gets_the_scale_and_the_border_of_the_training(tmp_path: Path) -> None:
    light = np.full((4, 4), 240, np.uint8)
    light[1:3, 1:3] = 10
    path = Path(saved(tmp_path, light))
    x, done = read_inputs(path, light[None])
    assert x.dtype == np.uint8 and x[0].tolist() == light.tolist() and done == [], "trained on light borders, from 0 to 255"
    x, done = read_inputs(path, np.zeros((1, 4, 4), np.uint8))
    assert x[0].tolist() == (255 - light).tolist() and done == ["inverted, its border is light"]


@pytest.mark.parametrize(
    ("name", "content", "example", "message"),
    [
        ("x.csv", "0,1,2\n3,4,5\n", np.zeros((1, 3), np.float32), "first line holds numbers; expected the names of the columns"),
        ("x.csv", "p,q,r\n0,,2\n", np.zeros((1, 3), np.float32), "row 1: nan; expected a finite number"),
        ("x.csv", "id,text\n1,rain\n", np.array(["a"]), "it has the columns id, text; expected one column of texts"),
        ("x.csv", "age,word\n1,\n", TABLE, "word, row 1: nan; expected a text"),
    ],
)
def test_a_table_is_taken_whole_or_not_at_all(name: str, content: str, example: object, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TrialbookError, match=message):
        read_inputs(tmp_path / name, example)
    (tmp_path / "y.csv").write_text("age,word\n1,01234\n2,NA\n")
    assert read_inputs(tmp_path / "y.csv", TABLE)[0]["word"].tolist() == ["01234", "NA"], "as they are written"
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(TrialbookError, match="it has the arrays a, b; expected one"):
        read_inputs(tmp_path / "two.npz", np.zeros((1, 3), np.float32))


def test_pictures_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrialbookError, match="its pixels are of the kind I;16, which is not supported; expected 8 bits"):
        read_picture(saved(tmp_path, np.full((4, 4), 60_000, np.uint16)), (4, 4))
