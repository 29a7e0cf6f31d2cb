"""The graph to be drawn: vertices, and edges that carry a value forward and a gradient back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from xad.viz.text import SIGNS, show

Kind = Literal["input", "constant", "operation", "output"]


class Vertex(NamedTuple):
    """A round operation, a named input or output, or a constant."""

    label: str
    kind: Kind
    note: str = ""


class Edge(NamedTuple):
    """From the vertex that makes an array to one that uses it, as its operand ``place``."""

    source: int
    target: int
    place: int
    value: str
    gradient: str


@dataclass
class Graph:
    """Vertices in the order of computation, and edges between them by index.

    ``totals`` holds the gradient of a vertex whose result is used more than once: the sum of what
    flows back along its edges.
    """

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    totals: dict[int, str] = field(default_factory=dict)

    def add(self, label: str, kind: Kind, note: str = "") -> int:
        """A new vertex; its index."""
        self.vertices.append(Vertex(label, kind, note or label))
        return len(self.vertices) - 1

    def operation(self, primitive: Any, params: Mapping[str, Any]) -> int:
        """A new vertex for an operation."""
        settings = ", ".join(f"{key}={value!r}" for key, value in params.items())
        name = primitive.name.rpartition(".")[2]
        return self.add(SIGNS.get(name, name), "operation", f"{name}({settings})")

    def constant(self, value: Any) -> int:
        """A new vertex for a constant; ``value`` None where the graph has not kept it."""
        return self.add("const" if value is None else show(value), "constant")

    def connect(self, source: int, target: int, place: int, value: str, gradient: Any) -> None:
        """A new edge."""
        constant = self.vertices[source].kind == "constant"
        self.edges.append(Edge(source, target, place, "" if constant else value, show(gradient)))

    def add_up(self, gradients: Iterable[tuple[int, Any]]) -> None:
        """Note the gradient of each vertex to which gradients come along several edges.

        An operation with several outputs has a gradient for each, and no single one.
        """
        found = list(gradients)
        outputs = Counter(vertex for vertex, _ in found)
        for vertex, gradient in found:
            shares = [e for e in self.edges if e.source == vertex and e.gradient]
            if len(shares) > 1 and outputs[vertex] == 1:
                self.totals[vertex] = show(gradient)
