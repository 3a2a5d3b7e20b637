"""Where a training stands after an epoch: enough to go on to the last digit. One .npz and its SHA-256, nothing in it is pickled."""

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

DIGEST = 32  # bytes of a SHA-256
History = dict[str, list[float]]


@dataclass(frozen=True)
class Checkpoint:
    """A training after its latest epoch.

    Attributes:
        history: metric → its value per epoch so far.
        variables: of the model, the seeds of its dropout among them, and of its optimizer.
        kept_epoch, kept: the best epoch so far, counted from 1, and the variables at its end.
    """

    history: History
    variables: list[np.ndarray]
    kept_epoch: int
    kept: list[np.ndarray]

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return len(next(iter(self.history.values())))

    def to_bytes(self) -> bytes:
        """The content of a `checkpoint.npz`; the variables of the kept epoch are not written twice."""
        facts = json.dumps({"history": self.history, "kept_epoch": self.kept_epoch})
        arrays: dict[str, Any] = {f"now_{n}": value for n, value in enumerate(self.variables)}
        if self.kept is not self.variables:
            arrays |= {f"kept_{n}": value for n, value in enumerate(self.kept)}
        content = io.BytesIO()
        np.savez(content, facts=np.array(facts), **arrays)
        return content.getvalue() + hashlib.sha256(content.getvalue()).digest()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are not a whole checkpoint.
        """
        written, digest = content[:-DIGEST], content[-DIGEST:]
        if hashlib.sha256(written).digest() != digest:  # the checksums of a zip miss flips in its headers
            raise ValueError("its checkpoint is damaged; expected the bytes that were written, as their SHA-256 at the end says")
        with np.load(io.BytesIO(written), allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            now, kept = ([file[f"{part}_{n}"] for n in range(sum(name.startswith(part) for name in file))] for part in ("now", "kept"))
        return cls(facts["history"], now, facts["kept_epoch"], kept or now)
