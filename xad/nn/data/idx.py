"""The file format of MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from xad.nn.arrays import HostArray
from xad.nn.errors import DataError

__all__ = ["parse_idx", "read_idx", "unpacked"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> HostArray:
    """The array in an IDX file, as it is or packed with gzip.

    Two zero bytes, the type, the number of axes; the length of each axis; then the elements; all
    of it with the most significant byte first. The result is in this machine's byte order.

    Errors: DataError (a ValueError) if the file is no IDX file, or is not of the length that it
    says itself: a download that broke off, for example.

    Source: Y. LeCun, C. Cortes and C. Burges, the MNIST database of handwritten digits.
    """
    path = Path(path)
    return parse_idx(unpacked(path.read_bytes(), str(path)), str(path))


def unpacked(content: bytes, name: str) -> bytes:
    """The content without gzip's packing, if it has one."""
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{name}: expected a whole gzip file, got {len(content)} bytes that cannot be unpacked "
            f"({error}); delete the file and get it again"
        ) from error


def parse_idx(content: bytes, name: str) -> HostArray:
    """The array in the bytes of an IDX file; ``name`` is for the errors."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise DataError(
            f"{name}: expected an IDX file, which begins with the bytes 00 00 and a type from "
            f"{', '.join(f'{code:02x}' for code in _TYPES)}, got "
            f"{content[:4].hex(' ') or 'an empty file'}; is it another kind of file?"
        )
    axes = content[3]
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(content[4:start][: 4 * ((len(content[4:start])) // 4)], ">u4"))
    dtype = np.dtype(_TYPES[content[2]])
    if len(shape) < axes:
        raise DataError(
            f"{name}: expected a header of {start} bytes for {axes} axes, got {len(content)} "
            "bytes; the file was cut short, get it again"
        )
    lengths = tuple(int(n) for n in shape)
    expected = start + dtype.itemsize * math.prod(lengths)
    if len(content) != expected:
        how = "cut short" if len(content) < expected else "followed by something else"
        raise DataError(
            f"{name}: expected {expected} bytes for {dtype.name} of shape {lengths}, got "
            f"{len(content)}; the file was {how}, get it again"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(lengths)
    return values.astype(dtype.newbyteorder("="))
