"""From a function that is run, or a tensor that remembers, to the graph to be drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import xad
from xad import tree
from xad.backend import adapter_of
from xad.core.backward import backward
from xad.core.conform import as_array, conform
from xad.core.elementwise import Elementwise
from xad.core.recording import Instruction, Variable
from xad.core.rules import Bilinear, General
from xad.core.tape import Leaf, Node, Reverse
from xad.core.wrapper import fresh_level, innermost
from xad.errors import GraphError
from xad.programs.passes.needed import only_needed
from xad.transforms.inputs import Inputs
from xad.transforms.program import Program
from xad.viz.graph import Graph
from xad.viz.text import kind, show


def graph_of_function(
    f: Callable[..., Any], arguments: tuple[Any, ...], names: Sequence[str] | None, cotangent: Any
) -> Graph:
    """Run ``f``, write down what it does, and do that again on tracked inputs, step by step."""
    program: Program = xad.make_program(f)(*arguments)
    steps = only_needed(program.listing).instructions
    inputs = Inputs("viz.draw", arguments, differentiable=False).leaves
    values = _run(program, steps, inputs)
    nodes = {x: v.node for x, v in values.items() if isinstance(v, Reverse) and v.node is not None}
    seeds = {x: _seed(values[x], cotangent) for x in program.outputs if x in nodes}
    wholes = [_whole(node) for node in nodes.values()]
    gradients = backward([(nodes[x], g) for x, g in seeds.items()], [*nodes.values(), *wholes])

    graph = Graph()
    labels = _labels(f, arguments, names)
    makers = {
        variable: graph.add(label, "input")
        for variable, label in zip(program.inputs, labels, strict=True)
    }
    for step in steps:
        vertex = graph.operation(step.primitive, step.params)
        shares = _shares(_whole(nodes.get(step.outputs[0])), gradients)
        for i, x in enumerate(step.operands):
            value = _value(values, x)
            source = makers[x] if x in makers else graph.constant(value)
            graph.connect(source, vertex, i, show(value), shares[i] if shares else None)
        makers.update(dict.fromkeys(step.outputs, vertex))
    for i, x in enumerate(program.outputs):
        source = makers[x] if x in makers else graph.constant(values[x])
        target = graph.add("output" if len(program.outputs) == 1 else f"output {i}", "output")
        graph.connect(source, target, 0, show(values[x]), seeds.get(x))
    graph.add_up((v, gradients.get(nodes[x])) for x, v in makers.items() if x in nodes)
    return graph


def graph_of_tensor(y: Any, names: Mapping[str, Any] | None, cotangent: Any) -> Graph:
    """The graph behind ``y``; values where ``names`` or the rules have kept them, else shapes."""
    if y.node is None:
        raise GraphError(
            "xad.viz.draw: nothing behind this tensor requires grad; make an input with "
            "xad.asarray(..., requires_grad=True), or draw a function: draw(f, *arguments)"
        )
    nodes = _behind(y.node)
    gradients = backward([(y.node, _seed(y, cotangent))], nodes)
    given = {name: x for name, x in (names or {}).items() if getattr(x, "node", None) is not None}
    named = {x.node: name for name, x in given.items()}
    known = {**_remembered(nodes), **{x.node: x for x in (*given.values(), y)}}

    graph = Graph()
    makers: dict[Node, int] = {}
    inputs = 0
    for node in nodes:
        if node.primitive is None:
            label = named.get(node, f"x{inputs}")
            inputs += node not in named
            makers[node] = graph.add(label, "input", kind(node))
            continue
        whole = _whole(node)
        if whole is not node:
            makers[node] = makers[whole]
            continue
        makers[node] = vertex = graph.operation(node.primitive, node.params)
        shares = _shares(node, gradients)
        kept = _kept(node)
        for i, parent in enumerate(node.parents):
            if parent is None:
                graph.connect(graph.constant(kept.get(i)), vertex, i, "", None)
            else:
                value = show(known[parent]) if parent in known else kind(parent)
                graph.connect(makers[parent], vertex, i, value, shares[i] if shares else None)
    target = graph.add(named.get(y.node, "output"), "output")
    graph.connect(makers[y.node], target, 0, show(y), _seed(y, cotangent))
    graph.add_up((v, gradients.get(node)) for node, v in makers.items())
    return graph


def _run(program: Program, steps: Sequence[Instruction], inputs: Sequence[Any]) -> Any:
    """The value of every variable; a tensor where gradients can flow back to an input."""
    level = fresh_level()
    values: dict[Variable, Any] = dict(program.constants)
    for variable, x in zip(program.inputs, inputs, strict=True):
        inexact = xad.isdtype(x.dtype, ("real floating", "complex floating"))
        values[variable] = xad.Tensor(x, Leaf(x), level) if inexact else x
    for primitive, operands, params, outputs, several in steps:
        out = primitive.bind(*[_value(values, x) for x in operands], **params)
        outs = out if several else (as_array(out),)
        values.update(zip(outputs, outs, strict=True))
    # What came in from outside with a graph of its own is a constant here.
    return {
        x: v if getattr(v, "level", level) == level else innermost(v) for x, v in values.items()
    }


def _value(values: Mapping[Variable, Any], x: Any) -> Any:
    return values[x] if type(x) is Variable else x


def _labels(
    f: Callable[..., Any], arguments: tuple[Any, ...], names: Sequence[str] | None
) -> list[str]:
    """A name for each array among the arguments: as told, or the parameters' names and paths."""
    if names is None:
        try:
            parameters = inspect.signature(f).parameters.values()
        except (TypeError, ValueError):
            parameters = ()  # type: ignore[assignment]
        names = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    names = [*names, *(f"x{i}" for i in range(len(names), len(arguments)))]
    return [
        name + path
        for name, argument in zip(names, arguments, strict=False)
        for path in tree.paths(argument)
    ]


def _seed(y: Any, cotangent: Any) -> Any:
    """The gradient that starts at the output: ``cotangent``, or one for each element."""
    like = innermost(y)
    adapter = adapter_of(like)
    place = {"dtype": y.dtype, "device": adapter.device_of(like)}
    given = innermost(1.0 if cotangent is None else cotangent)
    seed = given if hasattr(given, "dtype") else adapter.namespace.asarray(given, **place)
    return adapter.namespace.broadcast_to(seed, tuple(y.shape))


def _shares(node: Node | None, gradients: Mapping[Node, Any]) -> list[Any]:
    """What the operation hands back to each operand, None for constants; empty for no gradient."""
    if node is None or node.primitive is None or node not in gradients:
        return []
    shares = node.primitive.pullback(node, gradients[node])
    return [
        None if share is None or parent is None else conform(share, parent.shape, parent.dtype)
        for share, parent in zip(shares, node.parents, strict=True)
    ]


def _whole(node: Any) -> Any:
    """The operation itself, where a node stands for one of its outputs."""
    if node is not None and len(node.parents) == 1:
        (parent,) = node.parents
        if parent is not None and parent.dtype is None:  # several arrays have no data type
            return parent
    return node


def _behind(start: Node) -> list[Node]:
    """All the nodes that lead to ``start``, in the order of computation."""
    seen = {start}
    stack = [start]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)


def _kept(node: Node) -> dict[int, Any]:
    """The operands that the rules of an operation have kept, by their places."""
    saved: Any = node.saved
    if isinstance(node.primitive, (Elementwise, Bilinear)):
        found = dict(enumerate(saved[: len(node.parents)]))
    elif isinstance(node.primitive, General):
        places = {name: i for i, name in enumerate(node.primitive.operands)}
        found = {places[name]: x for name, x in saved.items() if name in places}
    else:
        found = {}
    return {place: x for place, x in found.items() if x is not None}


def _remembered(nodes: Iterable[Node]) -> dict[Node, Any]:
    """The values of nodes that the rules of their users have kept."""
    return {
        parent: x
        for node in nodes
        if node.primitive is not None
        for place, x in _kept(node).items()
        if (parent := node.parents[place]) is not None
    }
