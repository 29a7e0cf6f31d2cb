"""The other classes of operations: constant, linear, bilinear, and those that fit no class.

Each turns the facts that are stated into all the rules. With J the Jacobian of y = f(x),

    forward: t -> J t        reverse: g -> conj(J)^T g

so a linear operation is its own forward rule and states its transpose only. Transposes see the
operand as ``like`` (its shape and dtype): no data is kept for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.backward import backward
from xad.core.batching import one_by_one, settled
from xad.core.boxing import lift, tensor_class
from xad.core.conform import expand_to, is_complex, namespace_of
from xad.core.elementwise import parameters_of
from xad.core.primitive import BatchRule, Kernel, Params, Primitive
from xad.core.tape import Leaf, Node
from xad.core.wrapper import fresh_level
from xad.errors import NotDifferentiableError, ShapeError

KernelMaker = Callable[[Adapter], Kernel] | None
Rule = Callable[..., Any]


class Constant(Primitive):
    """An operation whose derivative is zero wherever it has one: ``floor``, ``argmax``."""

    differentiable = False

    def __init__(
        self, name: str, *, batch: BatchRule = one_by_one, kernel: KernelMaker = None
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)


class Linear(Primitive):
    """Linear in its first operand; others, such as indices, are constants.

    ``transpose(xp, g, like, *constants, **params)`` carries the cotangent back.
    """

    def __init__(
        self,
        name: str,
        transpose: Rule,
        *,
        batch: BatchRule = one_by_one,
        kernel: KernelMaker = None,
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)
        self.transpose = transpose

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """Only the constants."""
        return tuple(values[1:])

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """The transpose."""
        return [self.transpose(namespace_of(g), g, node.parents[0], *node.saved, **node.params)]

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The operation itself."""
        return self.bind(tangents[0], *operands[1:], **params)


class LinearJoint(Primitive):
    """Linear in all of its operands together, as ``concat`` is.

    ``transpose(xp, g, likes, **params)`` gives a cotangent for each operand.
    """

    def __init__(
        self,
        name: str,
        transpose: Rule,
        *,
        batch: BatchRule = one_by_one,
        kernel: KernelMaker = None,
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)
        self.transpose = transpose

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """The shapes of the operands, for cutting the cotangent up."""
        return tuple(tuple(value.shape) for value in values)

    def pullback(self, node: Node, g: Any) -> Sequence[Any]:
        """The transpose."""
        shares: Sequence[Any] = self.transpose(namespace_of(g), g, node.saved, **node.params)
        if len(shares) != len(node.parents):
            raise ShapeError(
                f"the transpose of {self.name}: expected {len(node.parents)} cotangents, one for "
                f"each operand, got {len(shares)}"
            )
        return shares

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The operation on the tangents, zeros where there is none."""
        full = [
            namespace_of(x).zeros_like(x, dtype=out.dtype) if t is None else t
            for x, t in zip(operands, tangents)
        ]
        return self.bind(*full, **params)


class Bilinear(Primitive):
    """Linear in each of two operands: ``y = B(a, b)``.

    ``left(xp, g, b, **params)`` and ``right(xp, g, a, **params)`` are the two transposes.
    """

    def __init__(
        self,
        name: str,
        left: Rule,
        right: Rule,
        *,
        batch: BatchRule = one_by_one,
        kernel: KernelMaker = None,
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)
        self.left = left
        self.right = right

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """Each tracked operand needs the other one."""
        a, b = values
        return (a if parents[1] is not None else None, b if parents[0] is not None else None)

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """The two transposes."""
        a, b = node.saved
        return [
            None if b is None else self._transposed(self.left, g, b, node.params),
            None if a is None else self._transposed(self.right, g, a, node.params),
        ]

    @staticmethod
    def _transposed(transpose: Rule, g: Any, other: Any, params: Params) -> Any:
        xp = namespace_of(g, other)
        if is_complex(other.dtype, other):
            other = xp.conj(other)
        return transpose(xp, g, other, **params)

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """B(t_a, b) + B(a, t_b)."""
        (a, b), (t_a, t_b) = operands, tangents
        if t_b is None:
            return self.bind(t_a, b, **params)
        right = self.bind(a, t_b, **params)
        return right if t_a is None else self.bind(t_a, b, **params) + right


class General(Primitive):
    """What fits no class: a vjp, and if it is known a jvp, for each differentiable operand.

    Rules name what they need, in any order: ``xp``, the cotangent ``g`` (for a jvp the tangent
    ``t``), operands by the names in ``operands``, the output ``y``, parameters, and ``like``, the
    shape and dtype of the operand that the rule is for. Without ``jvp`` the vjp is transposed.
    """

    def __init__(
        self,
        name: str,
        operands: str,
        *,
        vjp: Mapping[str, Rule],
        jvp: Mapping[str, Rule] | None = None,
        batch: BatchRule = one_by_one,
        kernel: KernelMaker = None,
    ) -> None:
        super().__init__(name, batch=batch, kernel=kernel)
        self.operands = operands.split()
        self.vjp = {key: _with_names(rule) for key, rule in vjp.items()}
        self.jvp = {key: _with_names(rule) for key, rule in (jvp or {}).items()}

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """What the rules of the tracked operands name."""
        wanted: set[str] = set()
        for name, parent in zip(self.operands, parents):
            if parent is not None and name in self.vjp:
                wanted.update(self.vjp[name][1])
        saved = zip((*self.operands, "y"), (*values, out))
        return {name: settled(x) for name, x in saved if name in wanted}

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """The vjp of every tracked operand."""
        return [
            None if parent is None else self._vjp(name, g, parent, node.saved, node.params)
            for name, parent in zip(self.operands, node.parents)
        ]

    def _vjp(self, name: str, g: Any, like: Node, saved: Mapping[str, Any], params: Params) -> Any:
        if name not in self.vjp:
            raise NotDifferentiableError(
                f"xad.{self.name}: expected a constant {name!r}, got one that gradients are asked "
                "of; there is no derivative for it: detach it first (xad.stop_gradient)"
            )
        rule, wanted = self.vjp[name]
        known = {**saved, **params, "g": g, "like": like}
        return rule(**_named(wanted, known, g, *saved.values()))

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The sum of the jvps of the operands that have a tangent."""
        saved = dict(zip((*self.operands, "y"), (*operands, out)))
        total = None
        moving = [(n, t) for n, t in zip(self.operands, tangents) if t is not None]
        for name, t in moving:
            if name not in self.jvp:
                return self._transposed_vjp(moving, saved, out, params)
            rule, wanted = self.jvp[name]
            term = rule(**_named(wanted, {**saved, **params, "t": t}, t, *operands))
            total = term if total is None else total + term
        return expand_to(total, out.shape, out.dtype)

    def _transposed_vjp(
        self, moving: list[tuple[str, Any]], saved: dict[str, Any], out: Any, params: Params
    ) -> Any:
        """The vjp is linear in g; its own vjp, applied to the tangent, is the jvp."""
        xp = namespace_of(out, *(t for _, t in moving))
        zero = xp.zeros_like(out)
        leaf = Leaf(zero)
        g = tensor_class()(settled(zero), leaf, fresh_level())
        saved = {name: lift(x) for name, x in saved.items()}
        seeds = []
        for name, t in moving:
            image = self._vjp(name, g, Leaf(saved[name]), saved, params)
            if getattr(image, "level", None) == g.level:
                seeds.append((image.node, expand_to(t, image.shape, image.dtype)))
        return backward(seeds).get(leaf, zero)


def _with_names(rule: Rule) -> tuple[Rule, tuple[str, ...]]:
    return rule, parameters_of(rule)


def _named(wanted: Sequence[str], known: dict[str, Any], *arrays: Any) -> dict[str, Any]:
    if "xp" in wanted:
        known["xp"] = namespace_of(*(x for x in arrays if hasattr(x, "dtype")))
    return {name: known[name] for name in wanted}
