"""The four arrays: `Tensor`, which users hold, and those that the transformations make."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from xad import tree
from xad.array import Array
from xad.backend.registry import adapter_of
from xad.core.backward import backward, between
from xad.core.batching import Batched, settled
from xad.core.boxing import lift, set_box
from xad.core.conform import conform
from xad.core.diagnosis import is_users
from xad.core.recording import Recording
from xad.core.tangent import Forward
from xad.core.tape import Leaf, Node, Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper, at_once, fresh_level, innermost
from xad.errors import ConcreteValueError, GraphError, NotDifferentiableError, ShapeError
from xad.ops import creation
from xad.ops.arguments import is_inexact, operand
from xad.ops.tracking import filled, separate, stop_gradient


class Tensor(Array, Reverse):
    """An array that remembers how it was made, so that gradients can flow back.

    Made by `xad.asarray`, and by every function of xad. With ``requires_grad`` each result is
    tracked, and ``y.backward()`` adds dy/dx to ``x.grad``.

    >>> import xad
    >>> x = xad.asarray([1.0, 2.0], requires_grad=True)
    >>> y = xad.sum(x * x)
    >>> y.backward()
    >>> x.grad
    Tensor([2., 4.], dtype=float64, device='cpu')
    """

    __slots__ = ()

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow back through this tensor."""
        return self.node is not None

    @property
    def grad(self) -> Tensor | None:
        """What ``.backward()`` has added up here so far. Set it to None to begin anew."""
        return self.node.grad if isinstance(self.node, Leaf) else None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if not isinstance(self.node, Leaf):
            raise GraphError("x.grad: only a tensor made with requires_grad=True has one")
        self.node.grad = value

    def backward(
        self, gradient: Any = None, *, create_graph: bool = False, retain_graph: bool = True
    ) -> None:
        """Add d(self)/dx to ``x.grad`` of every tensor x with ``requires_grad`` behind this one.

        ``gradient``: the cotangent, of this tensor's shape; may be left out for a single number.
        Called again it adds again, until ``x.grad`` is set to None. The graph stays until its last
        tensor goes; ``retain_graph=False`` gives its memory back at once. ``create_graph`` tracks
        the gradients themselves, so that they can be differentiated again.

        Errors: RuntimeError if nothing behind requires grad; ValueError for a wrong shape.
        """
        found, seed = self._walk_back(gradient, "backward()", (), create_graph, retain_graph)
        made = zip(found, separate(found.values(), [seed]), strict=True)
        added = {
            leaf: lift(g) if leaf.grad is None else leaf.grad + g
            for leaf, g in made
            if isinstance(leaf, Leaf)
        }
        at_once(map(setattr, added, repeat("grad"), added.values()))

    def gradient(
        self,
        x: Any,
        gradient: Any = None,
        *,
        create_graph: bool = False,
        retain_graph: bool = True,
    ) -> Any:
        """d(self)/dx for a tensor ``x``, or a tree of tensors; ``x.grad`` is left alone.

        Only the part of the graph between them is walked. Zeros where there is no path. The other
        arguments are those of `backward`.

        >>> import xad
        >>> x = xad.asarray(3.0, requires_grad=True)
        >>> y = x * x
        >>> (y * y).gradient(y)
        Tensor(18., dtype=float64, device='cpu')
        """
        wanted, structure = tree.flatten(x)
        for tensor in wanted:
            if not isinstance(tensor, Tensor) or tensor.node is None:
                raise GraphError(
                    "y.gradient(x): expected tensors that require grad, got "
                    f"{type(tensor).__name__}; make them with requires_grad=True"
                )
        nodes = [tensor.node for tensor in wanted]
        found, seed = self._walk_back(gradient, "gradient(x)", nodes, create_graph, retain_graph)
        gradients = [
            found[node] if node in found else filled(tensor, 0)
            for tensor, node in zip(wanted, nodes, strict=True)
        ]
        made = separate(gradients, [seed])
        return tree.unflatten(structure, [lift(g) for g in made])

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Call ``hook(g)`` whenever the gradient g of this tensor has been found.

        What the hook returns takes the place of g, for this tensor and for all that it was made
        from; None changes nothing. Returns a handle whose ``remove()`` takes the hook away.

        Errors: RuntimeError if the tensor does not require grad; ValueError, in the walk back, for
        a result of another shape.

        >>> import xad
        >>> x = xad.asarray(3.0, requires_grad=True)
        >>> y = x * x
        >>> handle = y.register_hook(lambda g: g * 10)
        >>> y.backward()
        >>> x.grad.item()
        60.0

        Source: PyTorch, ``torch.Tensor.register_hook``.
        """
        if self.node is None:
            raise GraphError("register_hook: expected a tensor that requires grad")
        return Hook(self.node, hook)

    def detach(self) -> Any:
        """The same values, through which no gradient flows."""
        return stop_gradient(self)

    def _walk_back(
        self, gradient: Any, name: str, wanted: Any, create_graph: bool, retain_graph: bool
    ) -> tuple[dict[Node, Any], Any]:
        """What arrives at the leaves and the ``wanted`` nodes, and the cotangent that was sent."""
        if self.node is None:
            raise GraphError(
                f"y.{name}: nothing behind this tensor requires grad; make an input with "
                "xad.asarray(..., requires_grad=True)"
            )
        if create_graph and self.level != BASE_LEVEL:
            raise GraphError(
                f"y.{name} inside a transformation: expected create_graph=False there; what is "
                "around tracks the gradients already"
            )
        within = between(self.node, wanted) if wanted else None
        seed = self._seed(gradient, name, create_graph or self.level != BASE_LEVEL)
        options = {"create_graph": create_graph, "retain_graph": retain_graph}
        found = backward([(self.node, seed)], wanted, within, **options)
        leaves = [node for node in found if node.primitive is None]
        if self.level != BASE_LEVEL and not all(isinstance(leaf, Own) for leaf in leaves):
            raise GraphError(
                f"y.{name} inside a transformation: expected a tensor with requires_grad; inside "
                "use xad.grad or xad.vjp, which nest"
            )
        return found, seed

    def _seed(self, gradient: Any, name: str, keep: bool) -> Any:
        if gradient is None:
            if self.shape != ():
                raise ShapeError(
                    f"y.{name}: expected one number, shape (), or a cotangent as gradient=; got "
                    f"shape {self.shape}"
                )
            seed = filled(self, 1)
            return lift(seed) if isinstance(self.value, Wrapper) else seed
        g = operand(name, gradient)
        g = settled(g) if keep else innermost(g)
        if tuple(g.shape) != self.shape:
            raise ShapeError(
                f"y.{name}: expected gradient of shape {self.shape}, got {tuple(g.shape)}"
            )
        return conform(g, self.shape, self.dtype)

    def __repr__(self) -> str:
        inner = innermost(self)
        adapter = adapter_of(inner)
        values = np.array2string(adapter.host_copy(inner), separator=", ", prefix="Tensor(")
        dtype = str(self.dtype).rpartition(".")[2]
        flag = ", requires_grad=True" if self.requires_grad else ""
        device = adapter.device_name(self.device)
        return f"Tensor({values}, dtype={dtype}, device={device!r}{flag})"


class Own(Leaf):
    """A leaf that a user made inside a transformation."""

    __slots__ = ()


class Hook:
    """A hook on the gradient of a tensor, until it is removed."""

    def __init__(self, node: Node, function: Callable[[Any], Any]) -> None:
        self._node = node
        self._function = function
        node.hooks = (*(node.hooks or ()), function)

    def remove(self) -> None:
        """Take the hook away; once more is no error."""
        kept = tuple([x for x in self._node.hooks or () if x is not self._function])
        self._node.hooks = kept or None


class Dual(Array, Forward):
    """An array with a tangent; `jvp` makes them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, tangent={self.tangent!r})"


class Batch(Array, Batched):
    """An array with a hidden first axis; `vmap` makes them."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis that the program sees."""
        return tuple(self.value.shape)[1:]

    def _refuse_value(self, wish: str) -> None:
        raise ConcreteValueError(
            f"{wish} of an array inside vmap: it has {self.value.shape[0]} values at once; choose "
            "between them with xad.where, not with if"
        )

    def __repr__(self) -> str:
        return f"Batch(shape={self.shape}, dtype={self.dtype}, size={self.value.shape[0]})"


class Recorded(Array, Recording):
    """An array that stands for a variable of a program; `make_program` makes them."""

    __slots__ = ()

    @property
    def requires_grad(self) -> bool:
        """False, as of every argument that a program takes: it runs as it is for others."""
        return False

    def detach(self) -> Any:
        """The same values, through which no gradient flows."""
        return stop_gradient(self)

    @property
    def value(self) -> Any:
        """The example, for xad's own code: a user's would take it for the value."""
        if is_users(sys._getframe(1)):
            self._refuse_value("the attribute `value`")
        return _example(self)

    @value.setter
    def value(self, value: Any) -> None:
        Wrapper.value.__set__(self, value)

    def _refuse_value(self, wish: str) -> None:
        self.recorder.check_open(wish)
        raise self.recorder.refused(
            ConcreteValueError(
                f"{wish} of an array while a program is recorded: the program must not depend on "
                "its value; choose with xad.where, or compute it outside"
            )
        )

    def _plain(self, wish: str) -> Any:
        self._refuse_value(wish)

    def __repr__(self) -> str:
        return f"Recorded({self.variable.name}, shape={self.shape}, dtype={self.dtype})"


_example: Callable[[Any], Any] = Wrapper.value.__get__

set_box(Tensor)


def asarray(
    obj: Any,
    /,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Any:
    """A tensor of a number, a nested list, or an array of any library.

    Numbers, lists and NumPy arrays go to the selected backend; an array of another library stays
    there. Memory is shared where it can be, unless ``copy``. A list may contain tensors, through
    which gradients flow.

    ``dtype``: a data type of the library, or its name. ``device``: the library's own object, or a
    name such as "cuda:0". ``requires_grad``: track what is computed from it.

    Errors: TypeError for what is no array, and for ``requires_grad`` of integers or booleans;
    BackendError for a device that is not there.

    >>> import xad
    >>> xad.asarray([[1, 2], [3, 4]], dtype="float32").shape
    (2, 2)

    Source: array API standard 2025.12, creation functions, ``asarray``.
    """
    out = creation.asarray(obj, dtype=dtype, device=device, copy=copy)
    return track(out) if requires_grad else out


def track(x: Any) -> Tensor:
    """A tensor over the same values where a graph begins."""
    if isinstance(x, Tensor) and x.level == BASE_LEVEL and x.node is not None:
        raise GraphError(
            "requires_grad=True: expected values that nothing tracks yet, got a tracked tensor; "
            "begin a new graph from x.detach()"
        )
    if not is_inexact(x):
        raise NotDifferentiableError(
            f"requires_grad=True: expected a floating dtype, got {x.dtype}; cast the values first, "
            "as in xad.asarray(..., dtype=xad.float64)"
        )
    if isinstance(x, Tensor) and x.level == BASE_LEVEL:
        return Tensor(x.value, Leaf(x.value))
    # Inside a transformation: a graph of its own on top, through which the others see.
    return Tensor(x, Own(x), fresh_level())
