"""Operations with several outputs that fit no class, such as the factors of a matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xad.core.backward import backward
from xad.core.batching import one_by_one, settled
from xad.core.boxing import lift, tensor_class
from xad.core.conform import as_array, expand_to, namespace_of
from xad.core.primitive import BatchRule, Params
from xad.core.rules import General, KernelMaker, Rule
from xad.core.tape import Cotangents, Leaf, Node
from xad.core.wrapper import fresh_level


class Several(General):
    """`General`, with the names of its outputs in ``outputs``.

    For an output ``q`` a rule may name the value, ``q``, and the cotangent, ``g_q``, which is zero
    where none has arrived. Rules are vjps; jvps are their transposes. Kernels return tuples.
    """

    def __init__(
        self,
        name: str,
        operands: str,
        outputs: str,
        *,
        vjp: Mapping[str, Rule],
        batch: BatchRule = one_by_one,
        kernel: KernelMaker = None,
    ) -> None:
        super().__init__(name, operands, vjp=vjp, batch=batch, kernel=kernel)
        self.outputs = outputs.split()

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """What the rules of the tracked operands name; a cotangent needs its output's shape."""
        wanted: set[str] = set()
        for name, parent in zip(self.operands, parents):
            if parent is not None and name in self.vjp:
                wanted.update([word.removeprefix("g_") for word in self.vjp[name][1]])
        saved = zip((*self.operands, *self.outputs), (*values, *out))
        return {name: settled(x) for name, x in saved if name in wanted}

    def _vjp(self, name: str, g: Any, like: Node, saved: Mapping[str, Any], params: Params) -> Any:
        there = {
            "g_" + output: namespace_of(saved[output]).zeros_like(saved[output]) if x is None else x
            for output, x in zip(self.outputs, g)
            if output in saved
        }
        return super()._vjp(name, None, like, {**saved, **there}, params)

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> tuple[Any, ...]:
        """The vjp is linear in all cotangents; its own vjp, at the tangent, is the jvp."""
        saved = {
            name: lift(x) for name, x in zip((*self.operands, *self.outputs), (*operands, *out))
        }
        zeros = [namespace_of(y).zeros_like(y) for y in out]
        leaves = [Leaf(zero) for zero in zeros]
        level = fresh_level()
        g = Cotangents(tensor_class()(settled(z), x, level) for z, x in zip(zeros, leaves))
        seeds = []
        moving = [(name, t) for name, t in zip(self.operands, tangents) if t is not None]
        for name, t in moving:
            image = self._vjp(name, g, Leaf(saved[name]), saved, params)
            if getattr(image, "level", None) == level:
                seeds.append((image.node, expand_to(t, image.shape, image.dtype)))
        found = backward(seeds)
        return tuple([as_array(found.get(x, zero)) for x, zero in zip(leaves, zeros)])
