"""What every wrapper shows of an array: the standard's attributes, operators and methods."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from xad.backend.registry import adapter_of
from xad.core.rebinding import rebind
from xad.core.tape import Reverse
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost
from xad.errors import (
    ConcreteValueError,
    DTypeError,
    NotDifferentiableError,
    ShapeError,
    XadError,
)
from xad.namespace import Namespace, namespace_over
from xad.ops import assignment, elementwise, indexing, joining, linear_algebra, transfer
from xad.protocols.numpy_functions import array_function
from xad.protocols.numpy_ufuncs import array_ufunc
from xad.protocols.python_numbers import check_number

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")

Operator = Callable[[Any, Any], Any]


def _operator(function: Operator) -> tuple[Operator, Operator]:
    """The methods for an operator with the wrapper on its left and on its right."""
    # Straight to the primitive: the public function in between adds only its docstring.
    function = getattr(function, "call", function)

    def operate(self: Any, other: Any) -> Any:
        return function(self, other)

    def operate_reflected(self: Any, other: Any) -> Any:
        return function(other, self)

    return operate, operate_reflected


def _in_place(function: Operator, native: Operator | None = None) -> Operator:
    """``x += y``: ``x`` becomes the sum, if that has its shape and data type."""
    function = getattr(function, "call", function)

    def operate(self: Any, other: Any) -> Any:
        if native is not None and assignment.operate(self, native, other):
            return self
        out = function(self, other)
        if out is NotImplemented:
            return out
        if tuple(out.shape) != self.shape or out.dtype != self.dtype:
            raise unlike(self, out)
        rebind(self, out, "an operator in place")
        return self

    return operate


def unlike(x: Any, out: Any) -> XadError:
    """What is wrong with an operator in place that would change the shape or data type."""
    if tuple(out.shape) != x.shape:
        return ShapeError(
            f"an operator in place: expected a result of shape {x.shape}, like the array on the "
            f"left, got {tuple(out.shape)}; write x = x + y to have an array of that shape"
        )
    return DTypeError(
        f"an operator in place: expected a result of {x.dtype}, like the array on the left, got "
        f"{out.dtype}; cast the operand with xad.astype(y, x.dtype), or write x = x + y"
    )


def _comparison(function: Operator) -> Operator:
    """Compare element by element; only what is no number or array is simply not equal."""

    def compare(self: Any, other: Any) -> Any:
        return NotImplemented if other is None or isinstance(other, str) else function(self, other)

    return compare


class Array(Wrapper):
    """Attributes, operators and methods of the standard, section "Array object".

    A plain array of the same library may stand on either side of an operator, and so may a Python
    number, which never promotes.
    """

    __slots__ = ()

    # For NumPy's functions, and for operators with an array of NumPy or CuPy on their left.
    __array_ufunc__ = array_ufunc
    __array_function__ = array_function
    __array_priority__: ClassVar[int] = 1000
    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """The data type, an object of the library inside."""
        return self.value.dtype

    @property
    def device(self) -> Any:
        """The device, an object of the library inside."""
        inner = innermost(self)
        return adapter_of(inner).device_of(inner)

    @property
    def T(self) -> Any:
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ShapeError(
                f"x.T: expected 2 axes, got {self.ndim}: use x.mT to transpose the last two, or "
                "xad.permute_dims"
            )
        return linear_algebra.matrix_transpose(self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return linear_algebra.matrix_transpose(self)

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        """The functions of the standard, with the data types of this array's library."""
        if api_version not in (None, *API_VERSIONS):
            raise ValueError(
                f"api_version: expected one of {', '.join(API_VERSIONS)}, got {api_version!r}"
            )
        return namespace_over(adapter_of(innermost(self)))

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """A copy on another device of the same library; gradients come back to this one.

        ``device``: the library's own object, or a name such as "cuda:1". Errors: BackendError if
        there is no such device.
        """
        return transfer.to_device(self, device)

    def to(self, target: str, /) -> Any:
        """A copy elsewhere, in another library if that is where the device is.

        ``target``: "cuda:0", "cpu", a library's name, or "torch:cuda:0". From NumPy, "cuda" means
        CuPy; from CuPy, "cpu" means NumPy. Gradients come back. Errors: BackendError.

        >>> import xad
        >>> xad.asarray([1.0, 2.0]).to("cpu").shape
        (2,)
        """
        return transfer.to(self, target)

    __add__, __radd__ = _operator(elementwise.add)
    __sub__, __rsub__ = _operator(elementwise.subtract)
    __mul__, __rmul__ = _operator(elementwise.multiply)
    __truediv__, __rtruediv__ = _operator(elementwise.divide)
    __floordiv__, __rfloordiv__ = _operator(elementwise.floor_divide)
    __mod__, __rmod__ = _operator(elementwise.remainder)
    __pow__, __rpow__ = _operator(elementwise.pow)
    __matmul__, __rmatmul__ = _operator(linear_algebra.matmul)
    __and__, __rand__ = _operator(elementwise.bitwise_and)
    __or__, __ror__ = _operator(elementwise.bitwise_or)
    __xor__, __rxor__ = _operator(elementwise.bitwise_xor)
    __lshift__, __rlshift__ = _operator(elementwise.bitwise_left_shift)
    __rshift__, __rrshift__ = _operator(elementwise.bitwise_right_shift)
    __iadd__ = _in_place(elementwise.add, operator.iadd)
    __isub__ = _in_place(elementwise.subtract, operator.isub)
    __imul__ = _in_place(elementwise.multiply, operator.imul)
    __itruediv__ = _in_place(elementwise.divide, operator.itruediv)
    __ifloordiv__ = _in_place(elementwise.floor_divide)
    __imod__ = _in_place(elementwise.remainder)
    __ipow__ = _in_place(elementwise.pow)
    __imatmul__ = _in_place(linear_algebra.matmul)
    __iand__ = _in_place(elementwise.bitwise_and)
    __ior__ = _in_place(elementwise.bitwise_or)
    __ixor__ = _in_place(elementwise.bitwise_xor)
    __ilshift__ = _in_place(elementwise.bitwise_left_shift)
    __irshift__ = _in_place(elementwise.bitwise_right_shift)
    __lt__ = _comparison(elementwise.less)
    __le__ = _comparison(elementwise.less_equal)
    __gt__ = _comparison(elementwise.greater)
    __ge__ = _comparison(elementwise.greater_equal)
    __eq__ = _comparison(elementwise.equal)
    __ne__ = _comparison(elementwise.not_equal)

    def __neg__(self) -> Any:
        return elementwise.negative(self)

    def __pos__(self) -> Any:
        return elementwise.positive(self)

    def __abs__(self) -> Any:
        return elementwise.abs(self)

    def __invert__(self) -> Any:
        return elementwise.bitwise_invert(self)

    def __getitem__(self, key: Any) -> Any:
        return indexing.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        """``x[key] = v``, with every key that ``x[key]`` takes.

            y = x, but y[key] = v        dL/dx = dL/dy with zeros at key, dL/dv = dL/dy[key]

        ``v``: a number, an array whose shape broadcasts to that of ``x[key]``, or a list. It is
        cast to the data type of ``x``. Of two values for one element the last counts. A mask
        decides shapes, so that inside `vmap` and recordings ``v`` must broadcast to the axes that
        the mask leaves.

        The object becomes another array; it is tracked, batched or recorded if ``v`` is. What was
        computed from it before, views of it and the array it was made of stay as they are. (NumPy's
        and CuPy's memory is written into where nobody else refers to it.) An array from outside a
        transformation that takes a value from inside is of no use after it.

        Under `no_grad` only the values change: ``w -= 0.1 * w.grad`` leaves ``w`` a leaf.

        Errors: IndexError for a key that does not fit, ValueError for a shape that does not;
        TypeError for a ``v`` that the data type cannot hold, such as a float in an integer array;
        GraphError (a RuntimeError) outside `no_grad` for a tensor made with ``requires_grad``.

        >>> import xad
        >>> def f(v):
        ...     y = xad.zeros(3)
        ...     y[1:] = v
        ...     y *= y
        ...     return xad.sum(y)
        >>> xad.grad(f)(xad.asarray(3.0))
        Tensor(12., dtype=float64, device='cpu')

        Source: array API standard 2025.12, array object, ``__setitem__``.
        """
        assignment.setitem(self, key, value)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes; use x.size")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("an array without axes cannot be iterated over")
        return iter(joining.unstack(self))

    # Python numbers out of arrays: only where there is one, and no transformation hides it.

    def item(self) -> Any:
        """The only element as a Python number. Errors: ValueError unless ``size`` is 1."""
        if self.size != 1:
            raise ShapeError(f"x.item(): expected an array of one element, got shape {self.shape}")
        inner = self._concrete("item()")
        return adapter_of(inner).host_copy(inner).item()

    def __bool__(self) -> bool:
        return bool(self._scalar("bool()"))

    def __float__(self) -> float:
        check_number(self, "float()")
        return float(self._scalar("float()"))

    def __int__(self) -> int:
        return int(self._scalar("int()"))

    def __complex__(self) -> complex:
        check_number(self, "complex()")
        return complex(self._scalar("complex()"))

    def __index__(self) -> int:
        value = self._scalar("an index")
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"an index: expected an integer array, got {self.dtype}")
        return value

    def __format__(self, specification: str) -> str:
        return format(self.item(), specification) if specification else str(self)

    def _scalar(self, wish: str) -> Any:
        if self.size != 1:
            raise ShapeError(
                f"{wish} of an array of shape {self.shape} is ambiguous: expected one element; "
                "use xad.any or xad.all, or index the array"
            )
        self._concrete(wish)
        return self.item()

    def _concrete(self, wish: str) -> Any:
        """The plain array inside, if its value may be looked at."""
        inner: Any = self
        while isinstance(inner, Array):
            inner._refuse_value(wish)
            inner = inner.value
        return inner

    def _refuse_value(self, wish: str) -> None:
        """Raise if this wrapper hides its value: a batch has many, a recording none yet."""

    # Ways out of xad. None of them may drop a derivative in silence.

    def numpy(self) -> Any:
        """The values as a NumPy array on the host.

        Errors: TypeError if gradients depend on the array (use ``x.detach().numpy()``), or inside
        a transformation that hides the values.
        """
        inner = self._plain("numpy()")
        return adapter_of(inner).host_copy(inner)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        host = adapter_of(self.value).host_copy(self._plain("NumPy's conversion"))
        return host if dtype is None else host.astype(dtype)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        wishes = {
            "stream": stream,
            "max_version": max_version,
            "dl_device": dl_device,
            "copy": copy,
        }
        # Older libraries know fewer of these, and need none that the caller has no wish about.
        stated = {name: wish for name, wish in wishes.items() if wish is not None}
        return self._plain("DLPack").__dlpack__(**stated)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = innermost(self).__dlpack_device__()
        return device

    def _plain(self, wish: str) -> Any:
        """The plain array inside, if nothing is lost with the wrapper."""
        if self.level == BASE_LEVEL and isinstance(self, Reverse) and self.node is None:
            return self.value
        if self.level == BASE_LEVEL:
            raise NotDifferentiableError(
                f"{wish} of a tensor that requires grad would drop its gradient: say so with "
                "x.detach() first, or use xad's functions"
            )
        raise ConcreteValueError(
            f"{wish} inside a transformation would drop what it tracks ({type(self).__name__}): "
            "use xad's functions there, or xad.stop_gradient and compute outside"
        )
