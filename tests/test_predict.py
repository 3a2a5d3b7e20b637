from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from src import predict, trial
from src.errors import TrialbookError
from src.predict import main, read_picture


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
    monkeypatch.setattr("sys.argv", ["predict", "image=x.png"])
    with pytest.raises(SystemExit):
        main()
    assert "has no champion" in capsys.readouterr().err


@pytest.mark.parametrize(("largest", "code", "said"), [(1.0, 0, "0.7500  b"), (255.0, 2, "are not scaled as in training")])
def test_a_champion_of_another_scale_is_not_asked(
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
    data = SimpleNamespace(x=np.full((5, 4, 4), largest, np.float32), input_shape=(4, 4), class_names=("a", "b"))
    champion = SimpleNamespace(version=lambda _: SimpleNamespace(run_id="r"), runs=SimpleNamespace(read=lambda _: None))
    monkeypatch.setattr(predict, "Registry", lambda _: champion)
    monkeypatch.setattr(predict, "rebuild", lambda *_: SimpleNamespace(data=data))
    monkeypatch.setattr(trial, "probabilities", lambda *_: np.array([[0.25, 0.75]]))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_uri)
    monkeypatch.setattr("sys.argv", ["predict", f"image={saved(tmp_path, values)}"])
    try:
        found = main()
    except SystemExit as end:
        found = end.code
    assert found == code and said in "".join(capsys.readouterr())
