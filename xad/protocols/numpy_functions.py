"""NumPy's functions on xad's arrays: ``np.sum(x, axis=0)``, ``np.linalg.inv(x)`` (NEP 18).

A twin that differs only in the names of its parameters is a line in `TWINS`; the others are small
functions in numpy_statistics, numpy_shapes, numpy_products and numpy_queries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from xad.backend.registry import adapter_for
from xad.core.elementwise import parameters_of
from xad.core.wrapper import Wrapper
from xad.protocols import numpy_products, numpy_queries, numpy_shapes, numpy_statistics
from xad.protocols.numpy_values import (
    CHANGES_ITS_ARGUMENT,
    array_like,
    call_on_values,
    refuse_to_write,
    written,
)

TWINS = {
    # NumPy's function: NumPy's parameters in their order; before the bar the arrays, after it what
    # xad takes by keyword ("theirs=ours" where the names differ).
    "all": "a | axis _out keepdims",
    "any": "a | axis _out keepdims",
    "argmax": "a | axis _out keepdims",
    "argmin": "a | axis _out keepdims",
    "count_nonzero": "a | axis keepdims",
    "max": "a | axis _out keepdims",
    "min": "a | axis _out keepdims",
    "prod": "a | axis dtype _out keepdims",
    "sum": "a | axis dtype _out keepdims",
    "cumulative_prod": "x | axis dtype _out include_initial",
    "cumulative_sum": "x | axis dtype _out include_initial",
    "searchsorted": "a v | side sorter",
    "isin": "element test_elements | _assume_unique invert",
    "unique_all": "x |",
    "unique_counts": "x |",
    "unique_inverse": "x |",
    "unique_values": "x |",
    "broadcast_to": "array | shape",
    "expand_dims": "a | axis",
    "flip": "m | axis",
    "matrix_transpose": "x |",
    "nonzero": "a |",
    "repeat": "a repeats | axis",
    "tril": "m | k",
    "triu": "m | k",
    "unstack": "x | axis",
    "tensordot": "a b | axes",
    "linalg.cholesky": "a | upper",
    "linalg.cross": "x1 x2 | axis",
    "linalg.det": "a |",
    "linalg.diagonal": "x | offset",
    "linalg.eig": "a |",
    "linalg.eigh": "a |",
    "linalg.eigvals": "a |",
    "linalg.eigvalsh": "a |",
    "linalg.inv": "a |",
    "linalg.matmul": "x1 x2 |",
    "linalg.matrix_norm": "x | keepdims ord",
    "linalg.matrix_power": "a n |",
    "linalg.matrix_rank": "A | _tol _hermitian rtol",
    "linalg.matrix_transpose": "x |",
    "linalg.outer": "x1 x2 |",
    "linalg.slogdet": "a |",
    "linalg.solve": "a b |",
    "linalg.svdvals": "x |",
    "linalg.tensordot": "x1 x2 | axes",
    "linalg.trace": "x | offset dtype",
    "linalg.vecdot": "x1 x2 | axis",
    "linalg.vector_norm": "x | axis keepdims ord",
    "fft.fft": "a | n axis norm _out",
    "fft.fftn": "a | s axes norm _out",
    "fft.fftshift": "x | axes",
    "fft.hfft": "a | n axis norm _out",
    "fft.ifft": "a | n axis norm _out",
    "fft.ifftn": "a | s axes norm _out",
    "fft.ifftshift": "x | axes",
    "fft.ihfft": "a | n axis norm _out",
    "fft.irfft": "a | n axis norm _out",
    "fft.irfftn": "a | s axes norm _out",
    "fft.rfft": "a | n axis norm _out",
    "fft.rfftn": "a | s axes norm _out",
}
ODD = (numpy_products, numpy_queries, numpy_shapes, numpy_statistics)

ALIASES = {
    "amax": "max",
    "amin": "min",
    "around": "round",
    "concat": "concatenate",
    "permute_dims": "transpose",
}
"""NumPy's other names of functions that have a twin."""

USUAL = {"casting": "same_kind", "mode": "raise", "order": "C", "subok": False, "where": True}
"""Keywords that xad does not have, and the values that ask for nothing."""


class Twin(NamedTuple):
    """What a function of NumPy is in xad: ``call(xp, **given)`` with NumPy's names."""

    parameters: tuple[str, ...]
    known: frozenset[str]
    call: Callable[..., Any]


def array_function(self: Any, function: Any, types: Any, args: Any, options: Any) -> Any:
    """What NumPy calls when one of its functions meets an array of xad (NEP 18).

    The twin in xad; or NumPy's own function on the values, if its answer is piecewise constant or
    nothing tracks them. TypeError for what would drop a gradient or write into an array, and for
    arguments that have no counterpart.
    """
    if not all(issubclass(kind, Wrapper) or adapter_for(kind) for kind in types):
        return NotImplemented
    name = name_of(function)
    if name in CHANGES_ITS_ARGUMENT:
        raise refuse_to_write(name, CHANGES_ITS_ARGUMENT[name])
    if isinstance(options.get("out"), Wrapper):
        into = options["out"]
        rest = {key: value for key, value in options.items() if key != "out"}
        return written(name, into, function(*args, **rest))
    twin = twins().get(function)
    xp = self.__array_namespace__()
    if twin is None:
        constant = name in numpy_queries.CONSTANT
        return call_on_values(function, name, self, args, options, constant=constant)
    return twin.call(xp, **_understood(name, twin, args, options))


def name_of(function: Any) -> str:
    """The function's name as users write it behind ``np.``: "sum", "linalg.inv"."""
    module = function.__module__.removeprefix("numpy").lstrip(".")
    return f"{module}.{function.__name__}" if module in ("linalg", "fft") else function.__name__


@cache
def twins() -> dict[Any, Twin]:
    """The twin of each function of this version of NumPy that has one."""
    named = {name: _renamed(name, line) for name, line in TWINS.items()}
    for chapter in ODD:
        named.update({name: _odd(call) for name, call in chapter.ADAPTERS.items()})
    named.update({alias: named[name] for alias, name in ALIASES.items()})
    found = {}
    for name, twin in named.items():
        function: Any = np
        for part in name.split("."):
            function = getattr(function, part, None)
        found[function] = twin
    found.pop(None, None)
    return found


def _renamed(name: str, line: str) -> Twin:
    """The twin that a line of `TWINS` describes."""
    before, _, after = line.partition("|")
    arrays = before.split()
    keywords = dict((pair.split("=") * 2)[:2] for pair in after.split())
    find = attrgetter(name)

    def call(xp: Any, **given: Any) -> Any:
        operands = [array_like(xp, given.pop(key)) for key in arrays if key in given]
        return find(xp)(*operands, **{keywords[key]: value for key, value in given.items()})

    return _twin((*arrays, *keywords), call)


def _odd(call: Callable[..., Any]) -> Twin:
    code = call.__code__
    names = parameters_of(call)[1:]
    by_keyword = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    return _twin((*names, *by_keyword), call)


def _twin(parameters: tuple[str, ...], call: Callable[..., Any]) -> Twin:
    """Parameters that begin with an underscore only hold a place: xad has none of that name."""
    known = frozenset(name for name in parameters if not name.startswith("_"))
    return Twin(tuple(name.removeprefix("_") for name in parameters), known, call)


def _understood(name: str, twin: Twin, args: Any, options: Any) -> dict[str, Any]:
    """The arguments by name. TypeError for what xad does not have, unless it asks for nothing."""
    if "operands" in twin.known:  # as many arrays as there are
        given = {"operands": args, **options}
    elif len(args) > len(twin.parameters):
        raise TypeError(
            f"np.{name}: expected at most {len(twin.parameters)} arguments by position, got "
            f"{len(args)}: xad has no others"
        )
    else:
        given = {**dict(zip(twin.parameters, args, strict=False)), **options}
    understood = {}
    for key, value in given.items():
        if key in twin.known:
            understood[key] = np.dtype(value).name if key == "dtype" and value else value
        elif value is not None and not (isinstance(value, (bool, str)) and value == USUAL.get(key)):
            raise TypeError(
                f"np.{name}: {key}= has no counterpart in xad; leave it out, or compute with "
                "xad's functions (xad.where for where=, y = f(x) for out=)"
            )
    return understood
