"""Where a training stands after an epoch: enough to go on to the last digit. One .npz and its SHA-256, nothing in it is pickled."""

import hashlib
import io
import json
from dataclasses import dataclass

import numpy as np

DIGEST = 32  # bytes of a SHA-256
History = dict[str, list[float]]
Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Checkpoint:
    """A training after its latest epoch.

    Attributes:
        history: metric → its value per epoch so far.
        variables: the state of the training, by the names of src/training/state.py.
        kept_epoch, kept: the best epoch so far, counted from 1, and the state that was scored at its end.
    """

    history: History
    variables: Values
    kept_epoch: int
    kept: Values

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return len(next(iter(self.history.values())))

    def to_bytes(self) -> bytes:
        """The content of a `checkpoint.npz`; a variable that is the same now and in the kept epoch is written once."""
        arrays = {id(value): value for state in (self.variables, self.kept) for value in state.values()}
        keys = {identity: f"array_{n}" for n, identity in enumerate(arrays)}
        places = {
            part: {name: (keys[id(value)], str(value.dtype)) for name, value in state.items()}
            for part, state in (("now", self.variables), ("kept", self.kept))
        }
        facts = {"history": self.history, "kept_epoch": self.kept_epoch, "places": places}
        content = io.BytesIO()
        written = {"facts": np.array(json.dumps(facts)), **{keys[identity]: _plain(value) for identity, value in arrays.items()}}
        np.savez(content, **written)  # type: ignore[arg-type]
        return content.getvalue() + hashlib.sha256(content.getvalue()).digest()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are not a whole checkpoint, or an earlier version wrote them, which did not name the variables.
        """
        written, digest = content[:-DIGEST], content[-DIGEST:]
        if hashlib.sha256(written).digest() != digest:  # the checksums of a zip miss flips in its headers
            raise ValueError("its checkpoint is damaged; expected the bytes that were written, as their SHA-256 at the end says")
        with np.load(io.BytesIO(written), allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            if "places" not in facts:
                raise ValueError("an earlier version wrote its checkpoint; expected one whose variables have names")
            arrays = {key: file[key] for key in file.files}
        now, kept = (
            {
                name: arrays[key].view(np.dtype(dtype)) for name, (key, dtype) in facts["places"][part].items()
            }  # TensorFlow taught it bfloat16
            for part in ("now", "kept")
        )
        return cls(facts["history"], now, facts["kept_epoch"], kept)


def _plain(value: np.ndarray) -> np.ndarray:
    """An array as numpy itself can write it: bfloat16, of which its files know nothing, as whole numbers of the same size."""
    return value if value.dtype.kind in "biufc" else value.view(f"u{value.dtype.itemsize}")
