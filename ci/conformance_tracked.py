"""xad's namespace for the official test suite, with every floating tensor tracked.

Each function and method is the real one; around it, what goes in is remembered, and from each
tracked result a random cotangent walks back to what went in: so every recorded rule is called.
What arrives must have the shape, dtype and device of the tensor that it belongs to.

XAD_CONFORMANCE_MODE says how tensors are tracked: "tracked" as users track them (requires_grad),
"nested" inside a transformation whose own inputs are tracked, as in a gradient of a gradient. There
the rules run on tensors, and walk back in turn.

It is a pytest plug-in too, for the closing count of rules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import pytest
from conformance_wrapped import Counts, namespace, wrap_methods

import xad
from xad.array import Array
from xad.backend.registry import adapter_of
from xad.core.backward import backward, between
from xad.core.boxing import lift
from xad.core.tape import Leaf, Node
from xad.core.wrapper import BASE_LEVEL, Wrapper, fresh_level, innermost
from xad.ops.arguments import is_inexact

NESTED = os.environ.get("XAD_CONFORMANCE_MODE") == "nested"
LEVEL = fresh_level() if NESTED else BASE_LEVEL

counts = Counts("{calls} calls of the rules of {names} primitives", "called", "refused singular")
called, without_derivative = counts.counters
"""How often each primitive's rule has been called, and has refused a singular matrix."""

_random = np.random.default_rng(0)
_inside = False


def tracked(x: Any) -> Any:
    """The same results, with each floating tensor that nothing tracks yet made a leaf."""
    if isinstance(x, (tuple, list)):
        parts = [tracked(part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if not isinstance(x, xad.Tensor) or not is_inexact(x) or (x.level == LEVEL and x.node):
        return x
    value = _tracked_value(innermost(x), BASE_LEVEL) if NESTED else x.value
    return _tracked_value(value, LEVEL)


def _tracked_value(value: Any, level: int) -> Any:
    # Not the leaf itself: nothing may be assigned to one.
    return xad.positive(xad.Tensor(value, Leaf(value), level))


def tensors(x: Any) -> Iterator[xad.Tensor]:
    """All the tensors in arguments or results."""
    if isinstance(x, xad.Tensor):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from tensors(part)
    elif isinstance(x, dict):
        yield from tensors(list(x.values()))
    elif isinstance(x, slice):
        yield from tensors([x.start, x.stop, x.step])


def checked(function: Callable[..., Any], _: str) -> Callable[..., Any]:
    """The function, with a walk back from each of its results to its arguments."""

    @wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        global _inside  # noqa: PLW0603
        if _inside:
            return function(*arguments, **keywords)
        _inside = True
        try:
            went_in = {x.node: x.value for x in tensors([arguments, keywords]) if x.node}
            out = function(*arguments, **keywords)
            # An assignment gives its result by the tensor that it rebinds.
            for result in tensors([out, arguments[:1]] if out is None else out):
                walk_back(result, went_in)
            return tracked(out)
        finally:
            _inside = False

    return call


def walk_back(result: xad.Tensor, went_in: dict[Node, Any]) -> None:
    """Call every rule between a result and what went in, and look at what arrives."""
    node = result.node
    if node is None or node in went_in or not went_in:
        return
    found = _cotangents(node, result.value, went_in)
    if NESTED:
        below = {x.node: x.value for x in went_in.values()}
        for g in found:
            if isinstance(g, xad.Tensor) and g.node is not None and g.node not in below:
                _cotangents(g.node, g.value, below)


def _cotangents(node: Node, value: Any, went_in: dict[Node, Any]) -> list[Any]:
    """What arrives at ``went_in`` from a random cotangent of ``value``, which ``node`` made."""
    within = between(node, went_in)
    names = _names(node, within)
    try:
        found = backward([(node, _cotangent(value))], list(went_in), within)
    except (ValueError, RuntimeError) as error:
        if type(error).__name__.endswith("LinAlgError"):  # the factors of a singular matrix
            without_derivative.update(names)
            return []
        raise
    called.update(names)
    for end, belonging in went_in.items():
        if end in found:
            _compare(found[end], belonging, node)
    return [found[end] for end in went_in if end in found]


def _cotangent(like: Any) -> Any:
    plain = innermost(like)
    adapter = adapter_of(plain)
    host = _random.standard_normal(tuple(plain.shape))
    if xad.isdtype(plain.dtype, "complex floating"):
        host = host + 1j * _random.standard_normal(tuple(plain.shape))
    g = adapter.from_host(np.asarray(host), adapter.device_of(plain), plain.dtype)
    return lift(g) if isinstance(like, Wrapper) else g


def _names(start: Node, within: set[int]) -> list[str]:
    """The primitives between: those of the nodes of which a parent lies on a path too."""
    seen: set[Node] = set()
    found = []
    stack = [start]
    while stack:
        node = stack.pop()
        on_paths = [p for p in node.parents if p is not None and p.number in within]
        if node not in seen and on_paths and node.primitive is not None:
            found.append(node.primitive.name)
            stack += on_paths
        seen.add(node)
    return found


def _compare(g: Any, value: Any, node: Node) -> None:
    rule = node.primitive.name if node.primitive else "a leaf"
    plain, of = innermost(g), innermost(value)
    adapter = adapter_of(of)
    assert adapter_of(plain) is adapter, f"{rule}: a cotangent in {adapter_of(plain)}"
    for name, got, expected in (
        ("shape", tuple(plain.shape), tuple(of.shape)),
        ("dtype", plain.dtype, of.dtype),
        ("device", adapter.device_of(plain), adapter.device_of(of)),
    ):
        assert got == expected, f"{rule}: a cotangent of {name} {got}, not {expected}"


# ---- the namespace ------------------------------------------------------------------------------

NUMBERS = ("__bool__", "__complex__", "__float__", "__index__", "__int__", "item")


def _of_values(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method on the plain array inside: the suite compares numbers, which gradients forbid."""
    return wraps(method)(lambda self, *arguments: method(xad.Tensor(innermost(self)), *arguments))


__getattr__ = namespace(checked)
wrap_methods(checked, NUMBERS)
if NESTED:
    for _name in NUMBERS:
        setattr(Array, _name, _of_values(getattr(Array, _name)))


def pytest_configure(config: pytest.Config) -> None:
    """Add the counts to the report."""
    config.pluginmanager.register(counts)
