"""The passes, in order.

1. Leave out what nobody needs.
2. One walk with all rules: constants become numbers, what is repeated is shared, operations that
   change nothing go. Rules of `factors` and `scaling` take part where rounding may
   differ; without leave, only numbers that scale far larger products, in a last walk.
3. Leave out signs that a sum can absorb, and join the pieces that gradients of slices are made of;
   where rounding may differ, make one product of those of a sequence's steps.

What the third step changes makes room for the second, so this is repeated, three times at most. In
the end results that passes have put into the memory of another, or of an argument, are copied.
"""

from __future__ import annotations

from collections.abc import Callable

from xad.programs.listing import Listing
from xad.programs.passes.apart import kept_apart
from xad.programs.passes.arithmetic import ARITHMETIC
from xad.programs.passes.choices import CHOICES
from xad.programs.passes.constants import CONSTANTS
from xad.programs.passes.factors import FACTORS
from xad.programs.passes.needed import only_needed
from xad.programs.passes.pieces import pieces_joined
from xad.programs.passes.scaling import SCALING, SCALING_BY_FAR
from xad.programs.passes.shapes import SHAPES
from xad.programs.passes.signs import signs_absorbed
from xad.programs.passes.steps import steps_in_one_product, sums_in_one_product
from xad.programs.passes.walk import rewritten, together

__all__ = ["optimise"]

ROUNDS = 3
EXACT = together(CONSTANTS, SHAPES, ARITHMETIC, CHOICES)
SCALED = together(EXACT, SCALING_BY_FAR)
ANY_ORDER = together(EXACT, FACTORS, SCALING_BY_FAR, SCALING)


def optimise(listing: Listing, *, reassociate: bool = False) -> Listing:
    """A program that gives the same and does less.

    Bit for bit, unless ``reassociate`` or where a number scales a product of matrices.
    ``reassociate``: whether sums and products may be taken in another order, which rounds in other
    places.
    """
    found = _repeated(listing, _exactly)
    # Who needs what is known when nothing is repeated any more: this waits for that.
    found = _repeated(found, _in_any_order) if reassociate else _scaled(found)
    return kept_apart(listing, found)


def _repeated(listing: Listing, step: Callable[[Listing], tuple[Listing, bool]]) -> Listing:
    for _ in range(ROUNDS):
        listing, made_room = step(listing)
        if not made_room:
            break
    return listing


def _exactly(listing: Listing) -> tuple[Listing, bool]:
    """The program after one round, and whether another round may find more."""
    simple = only_needed(rewritten(only_needed(listing), EXACT))
    found = pieces_joined(signs_absorbed(simple))
    return found, found is not simple


def _scaled(listing: Listing) -> Listing:
    """The program with numbers moved into the matrices of products that are far larger."""
    simple = rewritten(listing, SCALED)
    return listing if simple is listing else only_needed(simple)


def _in_any_order(listing: Listing) -> tuple[Listing, bool]:
    simple = only_needed(rewritten(listing, ANY_ORDER))
    found = pieces_joined(signs_absorbed(simple))
    found = only_needed(sums_in_one_product(steps_in_one_product(found)))
    return found, found is not simple
