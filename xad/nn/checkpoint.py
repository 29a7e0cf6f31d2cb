"""Save trees of arrays, and load them again."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from xad import tree
from xad.backend import adapter_of
from xad.files import write_atomically
from xad.nn import arrays
from xad.nn.arrays import HostArray, bottom, is_plain, plain, to_host
from xad.nn.errors import CheckpointError

__all__ = ["load", "save"]

_NUMBERS = (bool, int, float, complex)


def save(path: str | Path, tree_of_arrays: Any) -> None:
    """Write every array of a tree, such as a model or an optimiser's state, to one file.

    The file is an ``.npz`` with the path of each leaf as its name, readable with `numpy.load`.
    Static fields are not in it. A crash while it is written leaves the file that was there before.

    Errors: TypeError for leaves other than arrays and numbers; OSError if it cannot be written.

    >>> import tempfile
    >>> import xad
    >>> from pathlib import Path
    >>> from xad import nn
    >>> model = nn.mlp(4, 8, 3, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(Path(folder) / "model.npz", model)
    ...     again = nn.load(Path(folder) / "model.npz", like=nn.mlp(4, 8, 3, rng=1))
    >>> bool(xad.all(again[0].weight == model[0].weight))
    True
    """
    leaves = tree.leaves(tree_of_arrays)
    found: dict[str, Any] = {}
    for name, leaf in zip(_names(tree_of_arrays), leaves, strict=True):
        if isinstance(leaf, _NUMBERS):
            found[name] = np.asarray(leaf)
        elif is_plain(plain(leaf)):
            found[name] = to_host(leaf)
        else:
            raise TypeError(
                f"save: expected arrays and numbers as leaves, got {type(leaf).__name__} at "
                f"{name}; make it a field with tree.static(...), or leave it out"
            )
    with write_atomically(Path(path)) as file:
        np.savez(file, **found)


def load(path: str | Path, *, like: Any) -> Any:
    """The tree that `save` wrote to a file, in the structure of ``like``.

    Each leaf comes back as what it is in ``like``: its library, device and dtype; a number as a
    number. The values of ``like`` do not matter: a new model will do.

    Errors: CheckpointError (a ValueError) for a file that is damaged or not one of `save`, and
    for one whose leaves differ in name, shape or dtype, which it names; FileNotFoundError.
    """
    path = Path(path)
    stored = _read(path)
    leaves, structure = tree.flatten(like)
    names = _names(like)
    missing = [name for name in names if name not in stored]
    surplus = [name for name in stored if name not in names]
    if missing or surplus:
        raise CheckpointError(
            f"{path}: expected the leaves of `like`, got a file {_listing('without', missing)}"
            f"{' and ' if missing and surplus else ''}{_listing('with', surplus)}; pass a tree "
            "like the one that was saved"
        )
    found = [
        _restored(path, name, stored[name], leaf) for name, leaf in zip(names, leaves, strict=True)
    ]
    return tree.unflatten(structure, found)


def _names(tree_of_arrays: Any) -> list[str]:
    """The paths of the leaves; an entry of a file cannot have the empty one of a lone array."""
    return [path or "." for path in tree.paths(tree_of_arrays)]


def _listing(word: str, names: list[str]) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{word} {', '.join(names[:3])}{rest}"


def _read(path: Path) -> dict[str, HostArray]:
    with path.open("rb") as file:
        try:
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.lib.npyio.NpzFile):
                return {name: stored[name] for name in stored.files}
        except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise CheckpointError(
                f"{path}: expected a file written by nn.save, got {path.stat().st_size} bytes that "
                f"cannot be read ({error}); it is damaged, cut short or another kind of file: use "
                "an older one"
            ) from error
    raise CheckpointError(f"{path}: expected a file written by nn.save, got one array (.npy)")


def _restored(path: Path, name: str, host: HostArray, leaf: Any) -> Any:
    """The stored array as what ``leaf`` is, if it fits."""
    expected = np.asarray(leaf) if isinstance(leaf, _NUMBERS) else to_host(leaf)
    if host.shape != expected.shape or host.dtype != expected.dtype:
        raise CheckpointError(
            f"{path}: expected {expected.dtype} of shape {expected.shape} at {name}, got "
            f"{host.dtype} of shape {host.shape}; build `like` with the sizes and dtype that were "
            "saved"
        )
    if isinstance(leaf, _NUMBERS):
        return type(leaf)(host[()].item())
    array = bottom(leaf)
    adapter = adapter_of(array)
    return arrays.like(adapter.from_host(host, adapter.device_of(array), array.dtype), leaf)
