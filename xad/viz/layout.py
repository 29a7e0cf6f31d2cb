"""Where everything stands: a layered layout from left to right.

Operations take the even layers, by the longest path from the inputs. The odd layers between them
hold the labels of the edges, which take room like vertices, so that no two texts overlap.
Steps: layers, order within each layer (few crossings), heights (straight edges), columns.

Source: Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system
structures, 1981.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xad.viz.graph import Graph, Vertex

CHARACTER = 7.6
"""The usual width of a character, in the font size of the picture."""
LINE = 17.0
ROUND = 19.0
APART = 15.0
COLUMN_GAP = 18.0
ORDER_SWEEPS = 24
HEIGHT_SWEEPS = 60


@dataclass(eq=False)
class Box:
    """A vertex, the label of an edge, or a bend of one: something with a place in a layer."""

    width: float
    height: float
    layer: int
    stiff: bool = False
    before: list[Box] = field(default_factory=list)
    after: list[Box] = field(default_factory=list)
    order: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass
class Layout:
    """The box of each vertex, for each edge its label's box and all its boxes, and the size."""

    vertices: list[Box]
    labels: list[Box | None]
    routes: list[list[Box]]
    width: float
    height: float


def lay_out(graph: Graph) -> Layout:
    """Place the vertices and the edges of a graph, which may be empty."""
    if not graph.vertices:
        return Layout([], [], [], 0.0, 0.0)
    ranks = _ranks(graph)
    vertices = []
    for i, (vertex, rank) in enumerate(zip(graph.vertices, ranks, strict=True)):
        width, height = shape_size(vertex)
        if i in graph.totals:  # stands below the vertex
            width = max(width, text_width(f"sum {graph.totals[i]}"))
            height += 1.6 * LINE
        vertices.append(Box(width, height, rank))
    labels: list[Box | None] = []
    routes = []
    for edge in graph.edges:
        start, end = vertices[edge.source], vertices[edge.target]
        between = range(start.layer + 1, end.layer)
        route = [start, *[Box(0.0, 4.0, layer, stiff=True) for layer in between]]
        label = None
        if len(route) > 1 and (edge.value or edge.gradient):
            label = route[1]
            label.width = max(text_width(edge.value), text_width(edge.gradient)) + 6
            label.height = 2 * LINE
        route.append(end)
        for a, b in pairwise(route):
            a.after.append(b)
            b.before.append(a)
        labels.append(label)
        routes.append(route)
    layers = _layers(vertices, routes)
    _reduce_crossings(layers)
    _set_heights(layers)
    width, height = _set_columns(layers)
    return Layout(vertices, labels, routes, width, height)


def text_width(text: str) -> float:
    """About how wide a text will be."""
    return CHARACTER * len(text)


def shape_size(vertex: Vertex) -> tuple[float, float]:
    """Width and height of the shape that stands for a vertex."""
    width = text_width(vertex.label)
    if vertex.kind == "constant":
        return width + 8, LINE
    if vertex.kind == "operation":
        return max(2 * ROUND, width + 18), 2 * ROUND
    return max(2 * ROUND, width + 20), 30.0


def _ranks(graph: Graph) -> list[int]:
    """The layer of each vertex: the longest path, with sources close to their first use."""
    incoming: list[list[int]] = [[] for _ in graph.vertices]
    outgoing: list[list[int]] = [[] for _ in graph.vertices]
    for edge in graph.edges:
        incoming[edge.target].append(edge.source)
        outgoing[edge.source].append(edge.target)
    ranks = [0] * len(graph.vertices)
    for i, sources in enumerate(incoming):
        ahead = [s for s in sources if graph.vertices[s].kind != "constant"]
        ranks[i] = max((ranks[s] + 2 for s in ahead), default=0)
        if not ahead and graph.vertices[i].kind == "operation":
            ranks[i] = 2
    for i, targets in enumerate(outgoing):
        kind = graph.vertices[i].kind
        if targets and kind in {"input", "constant"}:
            ranks[i] = min(ranks[t] for t in targets) - (2 if kind == "input" else 1)
    return ranks


def _layers(vertices: Sequence[Box], routes: Sequence[list[Box]]) -> list[list[Box]]:
    """The boxes of each layer, in the order of a walk back from the outputs, operand by operand."""
    boxes = list(dict.fromkeys([*vertices, *(box for route in routes for box in route)]))
    lowest = min((box.layer for box in boxes), default=0)
    layers: list[list[Box]] = [[] for _ in range(max(b.layer for b in boxes) - lowest + 1)]
    seen: set[int] = set()
    for end in [box for box in boxes if not box.after]:
        stack = [end]
        while stack:
            box = stack.pop()
            if id(box) not in seen:
                seen.add(id(box))
                layers[box.layer - lowest].append(box)
                stack.extend(reversed(box.before))
    layers = [layer for layer in layers if layer]
    for layer in layers:
        _number(layer)
    return layers


def _number(layer: list[Box]) -> None:
    for i, box in enumerate(layer):
        box.order = i


def _reduce_crossings(layers: list[list[Box]]) -> None:
    """Sort each layer by the mean place of its neighbours, back and forth; keep the best."""
    best = _crossings(layers)
    kept = [list(layer) for layer in layers]
    for sweep in range(ORDER_SWEEPS):
        if best == 0:
            break
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            places = {id(box): _mean_order(box, forward) for box in layer}
            layer.sort(key=lambda box: places[id(box)])
            _number(layer)
        found = _crossings(layers)
        if found < best:
            best = found
            kept = [list(layer) for layer in layers]
    for layer, order in zip(layers, kept, strict=True):
        layer[:] = order
        _number(layer)


def _mean_order(box: Box, forward: bool) -> float:
    neighbours = box.before if forward else box.after
    if not neighbours:
        return float(box.order)
    return sum(other.order for other in neighbours) / len(neighbours)


def _crossings(layers: list[list[Box]]) -> int:
    """How many pairs of edges between neighbouring layers cross."""
    count = 0
    for layer in layers:
        pairs = sorted((box.order, other.order) for box in layer for other in box.after)
        ends: list[int] = []
        for _, end in pairs:
            count += len(ends) - bisect_right(ends, end)
            insort(ends, end)
    return count


def _set_heights(layers: list[list[Box]]) -> None:
    """Bring each box level with its neighbours, as far as its layer has room."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer))
    for sweep in range(HEIGHT_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _spread(layer, [_level(box, sweep) for box in layer])


def _level(box: Box, sweep: int) -> float:
    """Where a box wants to be: level with those behind it, those ahead, in the end both."""
    sides = (box.before, box.after)
    near = sides[sweep % 2] or sides[1 - sweep % 2]
    if sweep >= HEIGHT_SWEEPS // 2:
        near = [*box.before, *box.after]
    total = weights = 0.0
    for other in near:
        weight = _stiffness(box, other)
        total += weight * other.y
        weights += weight
    return total / weights if weights else box.y


def _stiffness(box: Box, other: Box) -> float:
    """How much two neighbours want to be level: bends most, then a result and its only label."""
    if box.stiff and other.stiff:
        return 8.0
    source = box if other in box.after else other
    return 5.0 if len(source.after) == 1 and not source.stiff else 1.0


def _spread(layer: list[Box], wanted: Sequence[float]) -> None:
    """The heights closest to those wanted that keep order and gaps: isotonic regression."""
    offsets = [0.0]
    for a, b in pairwise(layer):
        offsets.append(offsets[-1] + (a.height + b.height) / 2 + APART)
    pools: list[list[float]] = []  # mean and count of boxes that have been pushed together
    for want, offset in zip(wanted, offsets, strict=True):
        pools.append([want - offset, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            before, size = pools[-1]
            pools[-1] = [(before * size + mean * count) / (size + count), size + count]
    free = iter(layer)
    i = 0
    for mean, count in pools:
        for _ in range(int(count)):
            next(free).y = mean + offsets[i]
            i += 1


def _set_columns(layers: list[list[Box]]) -> tuple[float, float]:
    """Give each layer a column as wide as its widest box; the size of the whole."""
    right = 0.0
    top = min(box.y - box.height / 2 for layer in layers for box in layer)
    bottom = max(box.y + box.height / 2 for layer in layers for box in layer)
    for layer in layers:
        width = max(box.width for box in layer)
        for box in layer:
            box.x = right + width / 2
            box.y -= top
        right += width + COLUMN_GAP
    return right - COLUMN_GAP, bottom - top
