"""A primitive: one operation on arrays. How it is computed, and how it finds who handles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from xad.backend.adapter import Adapter
from xad.core.diagnosis import SCALARS, explain, same_library
from xad.core.wrapper import Wrapper
from xad.errors import NotDifferentiableError

if TYPE_CHECKING:
    from xad.core.tape import Node

Params = dict[str, Any]
Kernel = Callable[..., Any]


class BatchRule(Protocol):
    """Computes a primitive on operands of which some carry a batch axis, always the first."""

    def __call__(
        self,
        primitive: Primitive,
        size: int,
        operands: tuple[Any, ...],
        batched: tuple[bool, ...],
        params: Params,
    ) -> Any:
        """The result, its batch axis first."""


class Primitive:
    """One operation: arrays by position, everything else by keyword.

    ``kernel`` makes the function that computes it from a library's adapter; without one it is the
    library's function of the same name. Subclasses add the rules of differentiation.
    """

    differentiable = True
    #: Whether each element of the output depends on that element of the operands alone.
    elementwise = False
    #: Whether all that it keeps for its rules are arrays among its operands and outputs.
    keeps_arrays = True
    #: Whether it may run code of users', which is recorded as one operation if it can be.
    opaque = False
    #: Whether it passes some elements of its operands on and drops the others, as ``where`` does.
    chooses = False

    def __init__(
        self, name: str, *, batch: BatchRule, kernel: Callable[[Adapter], Kernel] | None = None
    ) -> None:
        self.name = name
        self.batch = batch
        self._make_kernel = kernel
        self._kernels: dict[type, Kernel] = {}

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def bind(self, *operands: Any, **params: Any) -> Any:
        """Carry out the operation on whatever arrays these are; plain ones give a plain result."""
        return self.dispatch(operands, params)

    def dispatch(self, operands: Sequence[Any], params: Params) -> Any:
        """Leave the operation to the innermost wrapper, or to the library if there is none."""
        level = -1
        top = None
        for operand in operands:
            if isinstance(operand, Wrapper) and operand.level > level:
                level = operand.level
                top = operand
        if top is None:
            return self.compute(operands, params)
        return top.apply(self, level, operands, params)

    def keep(
        self, parents: Sequence[Node | None], values: Sequence[Any], out: Any
    ) -> tuple[Any, ...] | dict[str, Any]:
        """What the tape must keep alive for `pullback`."""
        raise self._no_rule()

    def pullback(self, node: Node, g: Any) -> Sequence[Any]:
        """A cotangent for each tracked operand (None for others), from the output's ``g``."""
        raise self._no_rule()

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The output's tangent from the operands' (None for those that do not move)."""
        raise self._no_rule()

    def _no_rule(self) -> NotDifferentiableError:
        return NotDifferentiableError(
            f"xad.{self.name}: expected an operation with a rule, this one has none; compute it "
            "outside, or stop gradients before it with xad.stop_gradient"
        )

    def compute(self, operands: Sequence[Any], params: Params) -> Any:
        """Run the library's own function on its own arrays."""
        found = None
        for operand in operands:
            kind = type(operand)
            if kind is not found and kind not in SCALARS:
                if found is not None:
                    return self._compute_mixed(operands, params)
                found = kind
        kernel = self._kernels.get(found)  # type: ignore[arg-type]
        if kernel is None:
            return self._compute_mixed(operands, params)
        try:
            return kernel(*operands, **params)
        except Exception as error:
            explain(self.name, operands, error)
            raise

    def kernel_of(self, adapter: Adapter) -> Kernel:
        """The function of plain arrays that computes it in a library."""
        return self._make_kernel(adapter) if self._make_kernel else adapter.kernel(self.name)

    def _compute_mixed(self, operands: Sequence[Any], params: Params) -> Any:
        """The first call for a library, NumPy's scalars, and every mixture that is an error."""
        operands, adapter = same_library(self.name, operands)
        kernel = self.kernel_of(adapter)
        for operand in operands:
            if type(operand) not in SCALARS:
                self._kernels[type(operand)] = kernel
        try:
            return kernel(*operands, **params)
        except Exception as error:
            explain(self.name, operands, error)
            raise
