"""Gzipped IDX files (LeCun's format for MNIST), accepted only if their decompressed bytes have the known SHA-256."""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

from src import files


def read(file: Path, digest: str) -> np.ndarray:
    """Reads one gzipped IDX file of unsigned bytes.

    IDX bytes are two zero bytes, the type (8: unsigned byte), the number of dimensions, the dimensions, the values.

    Args:
        file: a `*-ubyte.gz`.
        digest: SHA-256 of the *decompressed* bytes; gzip bytes differ between distributions.

    Raises:
        ValueError: the file is damaged or is another file; the message names it and both digests.
        OSError: the file cannot be read.
    """
    content = _decompress(file.read_bytes(), digest, str(file))
    dimensions = content[3]
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def store(compressed: bytes, target: Path, digest: str) -> None:
    """Verifies the bytes of a gzipped file, then writes it.

    Raises:
        ValueError: the bytes are not the published ones; nothing is written.
    """
    _decompress(compressed, digest, target.name)
    files.write(target, compressed)


def _decompress(compressed: bytes, digest: str, name: str) -> bytes:
    try:
        content = gzip.decompress(compressed)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name} is damaged ({error}); expected gzipped bytes with SHA-256 {digest}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"{name} is not the published file: SHA-256 {found}, expected {digest}")
    return content
