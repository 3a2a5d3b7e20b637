"""The state of a training after an epoch, enough to continue it to the same last digit.

The file is one .npz, followed by its SHA-256; nothing in it is pickled.
"""

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
        variables: the state of the training, under the names of src/training/state.py.
        kept_epoch: the best epoch so far, counted from 1.
        kept: the state at the end of that epoch, which was scored.
    """

    history: History
    variables: Values
    kept_epoch: int
    kept: Values

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(next(iter(self.history.values())))

    def to_bytes(self) -> bytes:
        """Returns the content of a `checkpoint.npz`; an array that both states share is written once."""
        arrays = {id(value): value for state in (self.variables, self.kept) for value in state.values()}
        keys = {identity: f"array_{number}" for number, identity in enumerate(arrays)}
        places = {
            part: {name: (keys[id(value)], str(value.dtype)) for name, value in state.items()}
            for part, state in (("now", self.variables), ("kept", self.kept))
        }
        facts = {"history": self.history, "kept_epoch": self.kept_epoch, "places": places}
        content = io.BytesIO()
        entries = {"facts": np.array(json.dumps(facts)), **{keys[identity]: _plain(value) for identity, value in arrays.items()}}
        np.savez(content, **entries)  # type: ignore[arg-type]
        return content.getvalue() + hashlib.sha256(content.getvalue()).digest()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are not a whole checkpoint, or an earlier version wrote them without names of variables.
        """
        archive, digest = content[:-DIGEST], content[-DIGEST:]
        if hashlib.sha256(archive).digest() != digest:  # the checksums of a zip file miss flipped bits in its headers
            raise ValueError("its checkpoint is damaged; expected the bytes that were written, as their SHA-256 at the end says")
        with np.load(io.BytesIO(archive), allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            if "places" not in facts:
                raise ValueError("an earlier version wrote its checkpoint; expected one whose variables have names")
            arrays = {key: file[key] for key in file.files}
        states: dict[str, Values] = {}
        for part, places in facts["places"].items():  # numpy knows bfloat16 because TensorFlow registered it
            states[part] = {name: arrays[key].view(np.dtype(dtype)) for name, (key, dtype) in places.items()}
        return cls(facts["history"], states["now"], facts["kept_epoch"], states["kept"])


def _plain(value: np.ndarray) -> np.ndarray:
    """Returns an array that a .npz can hold: whole numbers of the same size in place of bfloat16."""
    return value if value.dtype.kind in "biufc" else value.view(f"u{value.dtype.itemsize}")
