"""Automatic differentiation written against the Python array API standard.

The functions are the standard's, over NumPy, CuPy, torch and any other conforming library; the
transformations (`grad`, `vjp`, `jvp`, `vmap`, `make_program`) take functions of them, and nest.

>>> import numpy as np, xad
>>> xad.grad(lambda x: xad.sum(xad.sin(x) * x))(np.asarray([0.0, 1.0])).round(3)
array([0.   , 1.382])

Data types (``xad.float32``, ...) are those of the selected backend; ``XAD_BACKEND`` and
``XAD_DEVICE`` choose it, or `set_backend` and `use_backend`. `xad.nn`, `xad.viz` and `xad.testing`
are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from xad import errors, fft, linalg, special, tree
from xad._version import __version__
from xad.backend import selected, set_backend, show_config, use_backend
from xad.core.pause import no_grad
from xad.namespace import API_VERSION
from xad.ops.clipping import clip
from xad.ops.contraction import einsum
from xad.ops.convolution import convolve
from xad.ops.creation import (
    arange,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from xad.ops.cumulative import cumulative_prod, cumulative_sum, prod
from xad.ops.data_type import astype, can_cast, finfo, iinfo, isdtype, result_type
from xad.ops.elementwise_arithmetic import (
    add,
    copysign,
    divide,
    hypot,
    maximum,
    minimum,
    multiply,
    negative,
    nextafter,
    positive,
    pow,
    reciprocal,
    remainder,
    sqrt,
    square,
    subtract,
)
from xad.ops.elementwise_complex import abs, conj, imag, real, sign
from xad.ops.elementwise_discrete import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    ceil,
    equal,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    round,
    signbit,
    trunc,
)
from xad.ops.elementwise_exponential import exp, expm1, log, log1p, log2, log10, logaddexp
from xad.ops.elementwise_trigonometric import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    sin,
    sinh,
    tan,
    tanh,
)
from xad.ops.grids import meshgrid, tril, triu
from xad.ops.inspection import __array_namespace_info__
from xad.ops.joining import concat, diff, repeat, stack, tile, unstack
from xad.ops.linear_algebra import matmul, matrix_transpose, tensordot, vecdot
from xad.ops.manipulation import (
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    expand_dims,
    flip,
    moveaxis,
    permute_dims,
    reshape,
    roll,
    squeeze,
)
from xad.ops.searching import argmax, argmin, count_nonzero, nonzero, searchsorted, where
from xad.ops.set_functions import (
    isin,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
)
from xad.ops.sorting import argsort, sort
from xad.ops.statistical import max, mean, min, std, sum, var
from xad.ops.taking import take, take_along_axis
from xad.ops.tracking import stop_gradient
from xad.ops.updating import at
from xad.ops.utility import all, any
from xad.tensor import Tensor, asarray
from xad.transforms.custom import checkpoint
from xad.transforms.custom_rules import custom_jvp, custom_vjp
from xad.transforms.debugging import debug_lines, debug_nans
from xad.transforms.debugging_mutation import debug_mutation
from xad.transforms.disabling import disable_jit
from xad.transforms.forward import jvp
from xad.transforms.implicit import custom_root
from xad.transforms.jacobians import (
    elementwise_grad,
    gauss_newton_product,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
)
from xad.transforms.reverse import grad, value_and_grad, vjp
from xad.transforms.vectorize import vmap

if TYPE_CHECKING:
    from xad.transforms.jit import jit
    from xad.transforms.linearize import linearize
    from xad.transforms.program import Program, load_program, make_program

__all__ = [
    "Program",
    "Tensor",
    "__array_api_version__",
    "__array_namespace_info__",
    "__version__",
    "abs",
    "acos",
    "acosh",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "asin",
    "asinh",
    "astype",
    "at",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "can_cast",
    "ceil",
    "checkpoint",
    "clip",
    "concat",
    "conj",
    "convolve",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "custom_jvp",
    "custom_root",
    "custom_vjp",
    "debug_lines",
    "debug_mutation",
    "debug_nans",
    "diff",
    "disable_jit",
    "divide",
    "e",
    "einsum",
    "elementwise_grad",
    "empty",
    "empty_like",
    "equal",
    "errors",
    "exp",
    "expand_dims",
    "expm1",
    "eye",
    "fft",
    "finfo",
    "flip",
    "floor",
    "floor_divide",
    "from_dlpack",
    "full",
    "full_like",
    "gauss_newton_product",
    "grad",
    "greater",
    "greater_equal",
    "hessian",
    "hvp",
    "hypot",
    "iinfo",
    "imag",
    "inf",
    "isdtype",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "less",
    "less_equal",
    "linalg",
    "linearize",
    "linspace",
    "load_program",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "make_program",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan",
    "negative",
    "newaxis",
    "nextafter",
    "no_grad",
    "nonzero",
    "not_equal",
    "ones",
    "ones_like",
    "permute_dims",
    "pi",
    "positive",
    "pow",
    "prod",
    "real",
    "reciprocal",
    "remainder",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "round",
    "searchsorted",
    "set_backend",
    "show_config",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sort",
    "special",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "subtract",
    "sum",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "tile",
    "tree",
    "tril",
    "triu",
    "trunc",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "use_backend",
    "value_and_grad",
    "var",
    "vecdot",
    "vjp",
    "vmap",
    "where",
    "zeros",
    "zeros_like",
]

newaxis = None
__array_api_version__ = API_VERSION

_DTYPES = (
    "bool",
    "complex128",
    "complex64",
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "int8",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
)
# Programs are the larger half of the package, and not everybody records any.
_LATER = {
    "Program": "program",
    "disable_jit": "jit",
    "jit": "jit",
    "linearize": "linearize",
    "load_program": "program",
    "make_program": "program",
}
_SUBPACKAGES = ("extend", "nn", "optimize", "testing", "viz")


def __getattr__(name: str) -> Any:
    """The selected backend's data types; programs and subpackages on first use."""
    if name in _DTYPES:
        return getattr(selected().adapter.namespace, name)
    if name in _LATER:
        found = getattr(importlib.import_module(f"xad.transforms.{_LATER[name]}"), name)
        globals()[name] = found
        return found
    if name in _SUBPACKAGES:
        return importlib.import_module(f"xad.{name}")
    raise AttributeError(f"module 'xad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_DTYPES, *_LATER, *_SUBPACKAGES})
