"""``debug_mutation``: notice that an array was written into while a graph needed its old values."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xad.backend.registry import adapter_for
from xad.core.diagnosis import describe, users_line
from xad.core.primitive import Primitive
from xad.core.tape import Node
from xad.core.wrapper import Wrapper
from xad.errors import MutationError
from xad.transforms.switching import Switch
from xad.transforms.watching import unwatch, watch


class debug_mutation(Switch):  # noqa: N801 - as `debug_nans`
    """Raise in the walk back if an array that a rule needs is not what it was.

    In NumPy writing into such an array is an error by itself (see `xad.vjp`), as long as the array
    is written to by its own name. This finds the rest: arrays of other libraries, and writes by way
    of views that were there before. What an operation keeps while the ``with`` block (or the
    decorated function) runs gets a checksum, which is compared when its reverse rule runs, then or
    later. That reads every such array twice, and waits for a GPU; it holds for all threads, and
    costs nothing when it is off.

    Errors: MutationError (a RuntimeError) that names the operation and the line that called it.

    >>> import numpy as np, xad
    >>> memory = np.ones(3)
    >>> other_name = memory[:]
    >>> x = xad.asarray(memory, requires_grad=True)
    >>> with xad.debug_mutation():
    ...     y = xad.sum(x * x)
    >>> other_name[0] = 5.0
    >>> y.backward()
    Traceback (most recent call last):
        ...
    xad.errors.MutationError: xad.multiply: expected what it kept for its reverse rule unchanged...
    """

    def _switch_on(self) -> None:
        watch(_see)

    @classmethod
    def _switch_off(cls) -> None:
        unwatch(_see)


def _see(node: Node) -> None:
    if node.primitive is not None:
        prints = [(x, _checksum(x)) for x in _arrays(node.saved)]
        if prints:
            node.primitive = _Checked(node.primitive, prints, users_line())


class _Checked(Primitive):
    """A primitive in one node, which looks at what that node has kept before its rule runs."""

    def __init__(self, primitive: Primitive, prints: Sequence[tuple[Any, int]], line: str) -> None:
        super().__init__(primitive.name, batch=primitive.batch)
        self._primitive = primitive
        self._prints = prints
        self._line = line
        self.elementwise = primitive.elementwise
        self.differentiable = primitive.differentiable
        self.keeps_arrays = primitive.keeps_arrays
        self.chooses = primitive.chooses

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """As the primitive does."""
        return self._primitive.keep(parents, values, out)

    def pullback(self, node: Node, g: Any) -> Sequence[Any]:
        """As the primitive does, if everything is as it was."""
        for x, before in self._prints:
            if _checksum(x) != before:
                raise MutationError(
                    f"xad.{self.name}: expected what it kept for its reverse rule unchanged, but "
                    f"somebody has written into ({describe([x])}) since the operation was called "
                    f"at {self._line}; write into a copy, or make a new array (x = x + 1, not "
                    "x += 1)"
                )
        return self._primitive.pullback(node, g)


def _arrays(kept: Any) -> Iterator[Any]:
    """The libraries' own arrays in what a node keeps."""
    if isinstance(kept, Wrapper):
        for part in ("value", "tangent"):
            if part in kept.parts:
                yield from _arrays(getattr(kept, part))
    elif isinstance(kept, dict):
        for x in kept.values():
            yield from _arrays(x)
    elif isinstance(kept, (tuple, list)):
        for x in kept:
            yield from _arrays(x)
    elif not isinstance(kept, np.generic):
        adapter = adapter_for(type(kept))
        if adapter is not None and adapter.mutable:
            yield kept


def _checksum(x: Any) -> int:
    host = adapter_for(type(x)).host_copy(x)  # type: ignore[union-attr]
    return zlib.crc32(host.tobytes())
