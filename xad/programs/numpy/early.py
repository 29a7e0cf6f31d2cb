"""Results whose memory is there early: operands that they are written over lie in it at once.

Without this a large result, ``w - 0.1 * g`` say, would touch three arrays: the step, in the arena,
the parameters, and new memory. With it the step is computed in the new memory at once, and the
cache has one array less to hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from xad.core.recording import Instruction, Variable

__all__ = ["made_early"]

Heirs = Callable[[Variable, Instruction, int], Sequence[Variable]]


def made_early(
    results: Iterable[Variable], makers: Mapping[Variable, tuple[int, Instruction]], heirs: Heirs
) -> dict[Variable, Variable]:
    """Variables that may lie in the memory of a result, with that result.

    ``makers``: what makes each variable, and when. ``heirs(out, instruction, number)``: operands of
    that instruction that ``out`` can be written over.
    """
    found: dict[Variable, Variable] = {}
    for result in results:
        out = result
        while out in makers:
            number, instruction = makers[out]
            free = [x for x in heirs(out, instruction, number) if x in makers and x not in found]
            if not free:
                break
            out = free[0]
            found[out] = result
    return found
