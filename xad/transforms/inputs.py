"""What the transformations share: inputs in, results out, in the type that the user holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xad import tree
from xad.core.batching import settled
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import Wrapper
from xad.errors import NotDifferentiableError, ShapeError
from xad.ops.arguments import is_inexact, operand
from xad.tensor import Tensor

Function = Callable[..., Any]


class Inputs:
    """The arrays to transform by, as plain as they can be, and whether users held tensors."""

    def __init__(self, name: str, arguments: Any, *, differentiable: bool = True) -> None:
        self.name = name
        self.given, self.structure = tree.flatten(arguments)
        self.boxed = False
        self.leaves = []
        for i, x in enumerate(self.given):
            if isinstance(x, Wrapper) or type(x) in SCALARS:
                self.boxed = True
            array = operand(name, x)
            if differentiable and not is_inexact(array):
                self._refuse(arguments, i, array)
            self.leaves.append(settled(array))

    def _refuse(self, arguments: Any, index: int, array: Any) -> None:
        place = tree.paths(arguments)[index]
        raise NotDifferentiableError(
            f"xad.{self.name}: expected floating arrays to differentiate by, got {array.dtype} "
            f"at {place or 'the input'}; cast it first, as in xad.astype(x, xad.float64), or leave "
            "it out of argnums"
        )

    def tree_of(self, leaves: Sequence[Any]) -> Any:
        """The leaves in the shape of the arguments."""
        return tree.unflatten(self.structure, leaves)

    def face(self, x: Any) -> Any:
        """A result in the user's own type: a tensor where tensors came in, else a plain array."""
        if isinstance(x, Wrapper):
            return x.snapshot() if self.boxed else settled(x)
        return Tensor(x) if self.boxed and hasattr(x, "dtype") else x


def below(x: Any, kind: type[Wrapper], level: int) -> Any:
    """The array inside a wrapper of this kind and level; anything else as it is."""
    return x.value if isinstance(x, kind) and x.level == level else x


def scalar_output(name: str, out: Any) -> Any:
    """``out`` if it is one real number, as gradients need; else an error with the remedy."""
    array = operand(name, out)
    if tuple(array.shape) != ():
        raise ShapeError(
            f"xad.{name}: expected a function that returns one number, shape (), got shape "
            f"{tuple(array.shape)}; sum or average it, or use xad.vjp with a cotangent"
        )
    return array


def select(arguments: Sequence[Any], argnums: int | tuple[int, ...], name: str) -> Any:
    """The arguments that ``argnums`` names, in a tuple if it is one."""
    count = len(arguments)
    for i in (argnums,) if isinstance(argnums, int) else argnums:
        if not -count <= i < count:
            raise IndexError(
                f"xad.{name}: expected argnums within the {count} positional arguments, got {i}; "
                "pass what is differentiated by position"
            )
    if isinstance(argnums, int):
        return arguments[argnums]
    return tuple([arguments[i] for i in argnums])


def replace(arguments: Sequence[Any], argnums: int | tuple[int, ...], selected: Any) -> list[Any]:
    """The arguments with those that ``argnums`` names replaced."""
    new = list(arguments)
    pairs = (
        [(argnums, selected)] if isinstance(argnums, int) else zip(argnums, selected, strict=True)
    )
    for i, value in pairs:
        new[i] = value
    return new
