"""Choose the generator that fits a program's library."""

from __future__ import annotations

from xad.programs.cupy.source import compile_cupy
from xad.programs.listing import Listing
from xad.programs.numpy.source import compile_numpy
from xad.programs.plain import Compiled, compile_plain

__all__ = ["generate"]


def generate(listing: Listing, donated: frozenset[int] = frozenset()) -> Compiled:
    """A Python function that carries the program out.

    ``donated``: the places of inputs whose memory the results may be written into.
    """
    if listing.adapter is not None and listing.adapter.name == "numpy":
        return compile_numpy(listing, donated)
    if listing.adapter is not None and listing.adapter.name == "cupy":
        return compile_cupy(listing, donated)
    return compile_plain(listing, donated)
