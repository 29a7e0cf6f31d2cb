"""MNIST: 70,000 handwritten digits of 28 by 28 pixels."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from xad.files import write_atomically
from xad.nn.arrays import HostArray
from xad.nn.data.digits import Examples
from xad.nn.data.download import download_bytes
from xad.nn.data.idx import parse_idx, unpacked
from xad.nn.errors import DataError

__all__ = ["load_mnist"]

MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist/"

# MD5 of each file when unpacked: the packed ones differ between mirrors.
CHECKSUMS = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def load_mnist(
    directory: str | Path | None = None,
    *,
    download: bool = True,
    url: str = MIRROR,
    checksums: dict[str, str] | None = None,
) -> tuple[Examples, Examples]:
    """60,000 handwritten digits of 28 x 28 pixels to train on and 10,000 to test.

    Inputs are float32 of shape (n, 784) from 0 to 1, labels int64 from 0 to 9. The four files are
    looked for, packed or not, in ``directory``; without one in the cache, which is ``XAD_CACHE`` or
    ``$XDG_CACHE_HOME/xad`` or ``~/.cache/xad``. What is missing is downloaded once from ``url``,
    11 MB in all, checked, and kept there, unless ``download`` is False.

    Errors: DataError (a ValueError) for files that are missing, damaged or not MNIST's.

    Source: Y. LeCun, C. Cortes and C. Burges, the MNIST database of handwritten digits.
    """
    folder = cache_folder() / "mnist" if directory is None else Path(directory).expanduser()
    names = checksums or CHECKSUMS
    arrays = [_load(folder, name, md5, url if download else None) for name, md5 in names.items()]
    train_images, train_labels, test_images, test_labels = arrays
    return _examples(train_images, train_labels), _examples(test_images, test_labels)


def cache_folder() -> Path:
    """Where xad keeps what it downloads."""
    if own := os.environ.get("XAD_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "xad"


def _load(folder: Path, name: str, md5: str, url: str | None) -> HostArray:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            content = unpacked(path.read_bytes(), str(path))
            _check(content, md5, str(path), "delete the file and load again")
            return parse_idx(content, str(path))
    if url is None:
        raise DataError(
            f"expected {name} or {name}.gz in {folder}, found neither; pass the right directory, "
            "or download=True"
        )
    source = f"{url.rstrip('/')}/{name}.gz"
    packed = download_bytes(source)
    content = unpacked(packed, source)
    _check(content, md5, source, "try again, or another url")
    folder.mkdir(parents=True, exist_ok=True)
    with write_atomically(folder / f"{name}.gz") as file:
        file.write(packed)
    return parse_idx(content, source)


def _check(content: bytes, expected: str, name: str, remedy: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise DataError(
            f"{name}: expected content with MD5 {expected}, got {found} ({len(content)} bytes); "
            f"it is damaged or another file; {remedy}"
        )


def _examples(images: HostArray, labels: HostArray) -> Examples:
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels /= 255
    return Examples(pixels, labels.astype(np.int64))
