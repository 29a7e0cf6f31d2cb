"""From a recorded program, which has no values, to the graph to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.core.recording import Variable
from xad.errors import ShapeError
from xad.programs.listing import Listing
from xad.viz.graph import Graph
from xad.viz.text import kind


def graph_of_listing(listing: Listing, names: Sequence[str] | None) -> Graph:
    """The operations in order; what flows over an edge is shown by its data type and shape."""
    labels = [v.name for v in listing.inputs] if names is None else [*names]
    if len(labels) != len(listing.inputs):
        raise ShapeError(
            f"xad.viz.draw: expected a name for each of {len(listing.inputs)} inputs, got "
            f"{len(labels)}"
        )
    graph = Graph()
    makers: dict[Any, int] = {
        v: graph.add(label, "input", f"{label}: {listing.kinds[v]}")
        for v, label in zip(listing.inputs, labels, strict=True)
    }

    def connect(x: Any, target: int, place: int) -> None:
        if x not in makers or type(x) is not Variable:
            source = graph.constant(listing.constants[x] if type(x) is Variable else x)
            graph.connect(source, target, place, "", None)
        else:
            graph.connect(makers[x], target, place, kind(listing.kinds[x]), None)

    for step in listing.instructions:
        vertex = graph.operation(step.primitive, step.params)
        for place, x in enumerate(step.operands):
            connect(x, vertex, place)
        makers.update(dict.fromkeys(step.outputs, vertex))
    for i, x in enumerate(listing.outputs):
        label = "output" if len(listing.outputs) == 1 else f"output {i}"
        connect(x, graph.add(label, "output"), 0)
    return graph
