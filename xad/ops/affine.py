"""x W + b in one piece: what a dense layer computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.boxing import box
from xad.core.conform import is_complex, namespace_of
from xad.core.diagnosis import explain
from xad.core.holding import hold, hold_constant
from xad.core.pause import paused
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.tape import NO_PARAMS, Node, Reverse
from xad.core.wrapper import Wrapper
from xad.errors import ShapeError
from xad.ops.arguments import Array, operand
from xad.ops.declare import register
from xad.ops.elementwise_arithmetic import add
from xad.ops.linear_algebra import matmul

# Public as xad.special.affine.
__all__: list[str] = []


def _kernel(adapter: Adapter) -> Kernel:
    product = adapter.kernel("matmul")

    def compute(x: Any, weight: Any, bias: Any) -> Any:
        y = product(x, weight)
        if y.dtype != bias.dtype:
            return y + bias
        y += bias
        return y

    if adapter.name in ("numpy", "cupy", "torch"):
        return compute
    return lambda x, weight, bias: product(x, weight) + bias


class _Affine(Primitive):
    """Bilinear in (x, weight), linear in the bias."""

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """``x`` and the weight need each other, the bias nothing."""
        x, weight, _ = values
        return (x if parents[1] is not None else None, weight if parents[0] is not None else None)

    def of_matrix(self, x: Any, weight: Any, bias: Any) -> Any:
        """The operation as users call it: what `Reverse.apply` does, written out for three."""
        if not isinstance(weight, Reverse) or not isinstance(bias, Reverse):
            return box(self.dispatch((x, weight, bias), NO_PARAMS))
        level = weight.level
        if isinstance(x, Reverse) and x.level == level:
            values = (x.value, weight.value, bias.value)
            nodes = (x.node, weight.node, bias.node)
        else:
            values = (x, weight.value, bias.value)
            nodes = (None, weight.node, bias.node)
        kind = values[0].__class__
        kernel = self._kernels.get(kind)
        plain = values[1].__class__ is values[2].__class__ is kind
        tracked = bias.level == level and weight.node is not None and not paused(level)
        if kernel is None or not plain or not tracked:
            return box(self.dispatch((x, weight, bias), NO_PARAMS))
        try:
            out = kernel(*values)
        except Exception as error:
            explain(self.name, values, error)
            raise
        saved = self.keep(nodes, values, out)
        node = Node(out.shape, out.dtype, self, nodes, saved, NO_PARAMS)
        if not level:
            hold(node, saved, out, level)
        elif nodes[0] is None:
            hold_constant(node, saved[0], level)
        return weight.__class__(out, node, level)

    def pullback(self, node: Node, g: Any) -> tuple[Any, Any, Any]:
        """G Wᴴ, Xᴴ G, and the sum of the rows of G, which a wrapper is given later."""
        x, weight = node.saved
        for_x = for_weight = None
        if weight is not None:
            xp, weight = _conjugate(g, weight)
            for_x = xp.matmul(g, xp.matrix_transpose(weight))
        if x is not None:
            xp, x = _conjugate(g, x)
            for_weight = xp.matmul(xp.matrix_transpose(x), g)
        if node.parents[2] is None:
            return for_x, for_weight, None
        return for_x, for_weight, g if isinstance(g, Wrapper) else adapter_of(g).column_sums(g)

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """T_x W + X T_W + t_b."""
        (x, weight, _), (t_x, t_weight, t_bias) = operands, tangents
        terms = [] if t_bias is None else [t_bias]
        if t_x is not None:
            terms.append(namespace_of(t_x, weight).matmul(t_x, weight))
        if t_weight is not None:
            terms.append(namespace_of(x, t_weight).matmul(x, t_weight))
        total = terms[-1]
        for term in terms[:-1]:
            total = total + term
        return total


def _conjugate(g: Any, x: Any) -> tuple[Any, Any]:
    xp = namespace_of(g, x)
    return xp, xp.conj(x) if is_complex(x.dtype, x) else x


def _batch(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """Many examples of one layer are one product; layers that differ are many."""
    x, weight, bias = operands
    xp = namespace_of(*operands)
    if batched == (True, False, False):
        y = primitive.bind(xp.reshape(x, (-1, x.shape[-1])), weight, bias)
        return xp.reshape(y, (*x.shape[:-1], y.shape[-1]))
    if batched[2]:
        bias = xp.reshape(bias, (size, 1, -1))
    return xp.add(xp.matmul(x, weight), bias)


_affine = register(_Affine("special.affine", batch=_batch, kernel=_kernel))


def affine(x: Array, weight: Array, bias: Array, /) -> Array:
    """A matrix product and a sum in one: what a dense layer computes.

        Y = X W + b        gradients: G Wᴴ for X, Xᴴ G for W, the sum of G's rows for b

    ``x``: (..., inputs). ``weight``: (inputs, outputs). ``bias``: (outputs,). Returns an array of
    shape (..., outputs), of the promoted data type.

    Errors: ShapeError (a ValueError) if the shapes do not fit; TypeError for what is no array.

    >>> import numpy as np, xad
    >>> xad.special.affine(np.ones((5, 3)), np.ones((3, 2)), np.zeros(2)).shape
    (5, 2)

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, chapter 6.
    """
    if not isinstance(x, Wrapper):
        x = operand("special.affine", x)
    if not isinstance(weight, Wrapper):
        weight = operand("special.affine", weight)
    if not isinstance(bias, Wrapper):
        bias = operand("special.affine", bias)
    of_x, of_weight, of_bias = x.shape, weight.shape, bias.shape
    fits = len(of_weight) == 2 and len(of_bias) == 1 and of_weight[1] == of_bias[0]
    if not fits or not of_x or of_x[-1] != of_weight[0]:
        raise ShapeError(
            "xad.special.affine: expected x (..., inputs), weight (inputs, outputs) and bias "
            f"(outputs,), got shapes {tuple(of_x)}, {tuple(of_weight)} and {tuple(of_bias)}"
        )
    if len(of_x) == 2:
        return _affine.of_matrix(x, weight, bias)
    return add(matmul(x, weight), bias)
