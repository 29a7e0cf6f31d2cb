"""Leave out what no output depends on."""

from __future__ import annotations

from xad.core.recording import Variable
from xad.programs.listing import Listing

__all__ = ["only_needed"]


def only_needed(listing: Listing) -> Listing:
    """Without operations, and constants, that no output depends on."""
    wanted = {x for x in listing.outputs if type(x) is Variable}
    kept = []
    for instruction in reversed(listing.instructions):
        if wanted.intersection(instruction.outputs):
            wanted.update([x for x in instruction.operands if type(x) is Variable])
            kept.append(instruction)
    constants = {v: x for v, x in listing.constants.items() if v in wanted}
    if len(kept) == len(listing) and len(constants) == len(listing.constants):
        return listing
    return listing.with_instructions(kept[::-1], constants=constants)
