"""The op database: special functions."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from xad.errors import AxisError, DTypeError, ShapeError
from xad.testing.opinfo import (
    ErrorCase,
    HostArray,
    Maker,
    OpInfo,
    Sample,
    binary_samples,
    unary_samples,
)


def _scipy(name: str) -> Callable[..., Any]:
    """SciPy's function, imported at the first call: the database itself does not need SciPy."""

    def reference(*arguments: Any, **keywords: Any) -> Any:
        return getattr(import_module("scipy.special"), name)(*arguments, **keywords)

    return reference


def _not_an_array(make: Maker) -> list[ErrorCase]:
    return [ErrorCase(([1.0, 2.0],), TypeError, "expected arrays, got")]


def _far(make: Maker) -> float:
    """Beyond the range of exp; not so far that differences have no digits left."""
    return 1e4 if make.dtype == np.float64 else 95.0


def _of_one(
    name: str, reference: Callable[..., Any], *, large: bool = True, kinds: str = "f"
) -> OpInfo:
    def samples(make: Maker) -> list[Sample]:
        made = unary_samples()(make)
        if large and make.dtype.kind == "f":
            far = _far(make)
            made.append(Sample((np.asarray([-far, -20.0, 20.0, far], make.dtype),)))
        return made

    return OpInfo(
        f"special.{name}",
        samples,
        reference,
        kinds=kinds,
        errors=_not_an_array,
    )


def _softplus(x: HostArray) -> Any:
    return np.logaddexp(0, x).astype(x.dtype)


def _relu(x: HostArray) -> Any:
    return np.maximum(x, 0)


def _xlogy(x1: Any, x2: Any) -> Any:
    """SciPy's, which gives float64 for a float32 array and a Python number."""
    return np.asarray(_scipy("xlogy")(x1, x2), np.result_type(x1, x2))


def _along_last(name: str) -> Callable[..., Any]:
    """SciPy's function, along the last axis unless told otherwise."""
    return lambda x, axis=-1: _scipy(name)(x, axis=axis)


def _axis_samples(make: Maker) -> list[Sample]:
    x = make.array(2, 3, 2)
    far = _far(make)
    large = np.asarray([[far, 0.0, -far], [far, far + 1, far - 1]], make.dtype)
    return [
        Sample((make.array(4),)),
        Sample((x,)),
        Sample((x,), {"axis": 1}),
        Sample((x,), {"axis": (0, -1)}),
        Sample((x,), {"axis": None}),
        Sample((make.array(2, 3), 0)),
        Sample((make.array(0, 2),), {"axis": 1}),
        Sample((large,), {"axis": -1}),
    ]


def _masked_samples(make: Maker) -> list[Sample]:
    masked = make.array(2, 3)
    masked[0, 1] = masked[1, 0] = masked[1, 2] = -np.inf
    return [*_axis_samples(make), Sample((masked,), {"axis": -1})]


def _logsumexp_samples(make: Maker) -> list[Sample]:
    x = make.array(2, 3)
    return [
        *_masked_samples(make),
        Sample((make.array(),)),
        Sample((x,), {"keepdims": True}),
        Sample((x, 1, True)),
        Sample((x,), {"axis": ()}),
    ]


def _logsumexp(x: HostArray, axis: Any = None, keepdims: bool = False) -> Any:
    """SciPy takes an empty tuple of axes for all of them."""
    if axis == ():
        return x
    return import_module("scipy.special").logsumexp(x, axis=axis, keepdims=keepdims)


def _axis_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2, 3),), AxisError, "axis from -2 to 1, got 2", {"axis": 2}),
        ErrorCase((make.array(2, 3),), AxisError, "each axis once", {"axis": (0, 0)}),
        ErrorCase((make.indices(3, 2),), DTypeError, "floating-point.*xad.astype", {"axis": 0}),
        ErrorCase(([1.0, 2.0],), TypeError, "expected an array, got list"),
    ]


def _xlogy_errors(make: Maker) -> list[ErrorCase]:
    return [
        ErrorCase((make.array(2), make.array(3)), ShapeError, r"\(2,\) and \(3,\)"),
        ErrorCase((make.array(2), "text"), TypeError, "expected arrays"),
    ]


def _cross_entropy_samples(make: Maker) -> list[Sample]:
    far = _far(make)
    large = np.asarray([[far, 0.0, -far], [far, far + 1, far - 1]], make.dtype)
    masked = make.array(2, 3)
    masked[0, 1] = -np.inf
    return [
        Sample((make.array(3), make.indices(3))),
        Sample((make.array(4, 3), make.indices(3, 4))),
        Sample((make.array(2, 2, 3), make.indices(3, 2, 2))),
        Sample((make.array(2, 3), make.indices(3, 2).astype(np.int32))),
        Sample((make.array(2, 1), np.zeros(2, np.int64))),
        Sample((make.array(0, 3), make.indices(3, 0))),
        Sample((large, np.asarray([2, 1]))),
        Sample((masked, np.asarray([0, 2]))),
        Sample((make.array(4, 3), make.indices(3, 4)), {"mean": True}),
        Sample((make.array(2, 2, 3), make.indices(3, 2, 2)), {"mean": True}),
        Sample((make.array(3), make.indices(3)), {"mean": True}),
    ]


def _cross_entropy(logits: HostArray, labels: HostArray, *, mean: bool = False) -> Any:
    """log Σ exp(logits) - logits[label]."""
    chosen = np.take_along_axis(logits, labels[..., None], axis=-1)
    losses = np.logaddexp.reduce(logits - chosen, axis=-1).astype(logits.dtype)
    return np.mean(losses) if mean else losses


def _cross_entropy_errors(make: Maker) -> list[ErrorCase]:
    logits, labels = make.array(2, 3), np.asarray([0, 2])
    shapes = [(logits, labels[:1]), (logits, labels[:, None]), (make.array(), labels)]
    return [
        *(ErrorCase(pair, ShapeError, "expected integer labels of shape") for pair in shapes),
        ErrorCase((logits, make.array(2)), DTypeError, "labels of an integer data type, got"),
        ErrorCase((labels, labels), DTypeError, "real floating-point.*xad.astype"),
        *(
            ErrorCase((logits, wrong), ValueError, f"from 0 to 2.*got {n}", of_values=True)
            for wrong, n in [(labels + 1, 3), (labels - 1, -1)]
        ),
        ErrorCase(([1.0, 2.0], labels), TypeError, "expected an array, got list"),
    ]


def _affine_samples(make: Maker) -> list[Sample]:
    shapes = [(4, 3), (3,), (2, 2, 3), (0, 3)]
    return [Sample((make.array(*x), make.array(3, 2), make.array(2))) for x in shapes]


def _affine_errors(make: Maker) -> list[ErrorCase]:
    x, weight, bias = make.array(4, 3), make.array(3, 2), make.array(2)
    return [
        ErrorCase((make.array(4, 2), weight, bias), ShapeError, r"got shapes \(4, 2\), \(3, 2\)"),
        ErrorCase((x, weight, make.array(3)), ShapeError, "expected x .*, inputs"),
        ErrorCase((x, make.array(3), bias), ShapeError, "expected x .*, inputs"),
        ErrorCase((make.array(), weight, bias), ShapeError, "expected x .*, inputs"),
        ErrorCase(([1.0], weight, bias), TypeError, "expected an array, got list"),
    ]


OPS: list[OpInfo] = [
    OpInfo(
        "special.affine",
        _affine_samples,
        lambda x, weight, bias: x @ weight + bias,
        kinds="fc",
        differentiable="fc",
        errors=_affine_errors,
    ),
    _of_one("erf", _scipy("erf"), large=False),
    _of_one("erfc", _scipy("erfc"), large=False),
    _of_one("expit", _scipy("expit")),
    _of_one("log_expit", _scipy("log_expit")),
    _of_one("relu", _relu, kinds="fi"),
    _of_one("softplus", _softplus),
    OpInfo(
        "special.xlogy",
        binary_samples(-2.0, 2.0, low2=0.3, high2=2.0),
        _xlogy,
        errors=_xlogy_errors,
    ),
    OpInfo("special.logsumexp", _logsumexp_samples, _logsumexp, errors=_axis_errors),
    OpInfo("special.softmax", _masked_samples, _along_last("softmax"), errors=_axis_errors),
    OpInfo(
        "special.log_softmax",
        _axis_samples,
        _along_last("log_softmax"),
        errors=_axis_errors,
    ),
    OpInfo(
        "special.softmax_cross_entropy",
        _cross_entropy_samples,
        _cross_entropy,
        constant=(1,),
        errors=_cross_entropy_errors,
    ),
]
