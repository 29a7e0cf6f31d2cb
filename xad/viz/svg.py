"""The picture as SVG text, for browsers, notebooks and documents."""

from __future__ import annotations

from html import escape
from math import sqrt

from xad.viz.graph import Edge, Graph, Vertex
from xad.viz.layout import LINE, ROUND, Box, Layout, lay_out, shape_size

MARGIN = 20.0
LEGEND = 30.0
STYLE = """
text { font: 13px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif;
       text-anchor: middle; dominant-baseline: central; fill: #24292f }
.value { fill: #1a7f37 } .gradient { fill: #cf222e } .constant { fill: #6e7781 }
.edge { fill: none; stroke: #8c959f; stroke-width: 1.3 }
.constant-edge { stroke-dasharray: 3 3 }
.box { stroke-width: 1.4 } .operation { fill: #ffffff; stroke: #57606a }
.input { fill: #ddf4ff; stroke: #54aeff } .output { fill: #fff8c5; stroke: #d4a72c }
.sign { font-size: 17px } .name { font-weight: 600 } .small { font-size: 11px }
.arrow { fill: #8c959f } .legend { font-size: 11px; text-anchor: start }
"""


def to_svg(graph: Graph) -> str:
    """The graph from left to right: values in green above the edges, gradients in red below."""
    layout = lay_out(graph)
    width = max(layout.width + 2 * MARGIN, 250.0)
    height = layout.height + 2 * MARGIN + LEGEND
    shift = (width - layout.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        "<title>Computation graph</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="arrow" d="M0 0.8 L8 4 L0 7.2 z"/></marker>'
        "</defs>",
        '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
        f'<g transform="translate({shift:.1f} {MARGIN:.1f})">',
    ]
    fans = _fans(graph)
    for i, edge in enumerate(graph.edges):
        parts += _edge(graph, edge, layout, i, fans[edge.target])
    for i, (vertex, box) in enumerate(zip(graph.vertices, layout.vertices, strict=True)):
        parts += _vertex(vertex, box, graph.totals.get(i))
    parts += ["</g>", *_legend(graph, height), "</svg>"]
    return "\n".join(parts) + "\n"


def _fans(graph: Graph) -> list[int]:
    """How many edges come into each vertex."""
    counts = [0] * len(graph.vertices)
    for edge in graph.edges:
        counts[edge.target] += 1
    return counts


def _edge(graph: Graph, edge: Edge, layout: Layout, index: int, fan: int) -> list[str]:
    route = layout.routes[index]
    constant = graph.vertices[edge.source].kind == "constant"
    classes = "edge constant-edge" if constant else "edge"
    curve = _path(graph, edge, route, fan)
    parts = [f'<path class="{classes}" d="{curve}" marker-end="url(#arrow)"/>']
    label = layout.labels[index]
    if label is not None:
        for text, kind, side in (edge.value, "value", -1), (edge.gradient, "gradient", 1):
            if text:
                y = label.y + side * (LINE / 2 + 1)
                parts.append(_text(text, label.x, y, kind))
    return parts


def _path(graph: Graph, edge: Edge, route: list[Box], fan: int) -> str:
    """Level out of the source, level through the label, smoothly on, level into the target."""
    start, *between, end = route
    x = start.x + shape_size(graph.vertices[edge.source])[0] / 2
    parts = [f"M{x:.1f} {start.y:.1f}"]
    # Operands arrive from top to bottom in their order, on the left half of the round.
    reach = min(ROUND * 0.62, 7.0 * (fan - 1))
    dy = 0.0 if fan == 1 else reach * (2 * edge.place / (fan - 1) - 1)
    left = end.x - shape_size(graph.vertices[edge.target])[0] / 2
    last = (left + ROUND - sqrt(ROUND**2 - dy**2) - 1.5, end.y + dy)

    point, slope = (x, start.y), 0.0
    for i, box in enumerate(between):
        if box.width:
            here = (box.x - box.width / 2, box.y)
            parts.append(_curve(point, slope, here, 0.0))
            point, slope = (box.x + box.width / 2, box.y), 0.0
            parts.append(f"H{point[0]:.1f}")
            continue
        ahead = (between[i + 1].x, between[i + 1].y) if i + 1 < len(between) else last
        lean = (ahead[1] - point[1]) / (ahead[0] - point[0])
        parts.append(_curve(point, slope, (box.x, box.y), lean))
        point, slope = (box.x, box.y), lean
    parts.append(_curve(point, slope, last, 0.0))
    return " ".join(parts)


def _curve(
    start: tuple[float, float], start_slope: float, end: tuple[float, float], end_slope: float
) -> str:
    """A cubic curve between two points with the slopes given."""
    third = (end[0] - start[0]) * (0.5 if start_slope == end_slope == 0 else 1 / 3)
    controls = (
        (start[0] + third, start[1] + third * start_slope),
        (end[0] - third, end[1] - third * end_slope),
    )
    return "C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in (*controls, end))


def _vertex(vertex: Vertex, box: Box, total: str | None) -> list[str]:
    if vertex.kind == "constant":
        return [_text(vertex.label, box.x, box.y, "constant")]
    radius = ROUND if vertex.kind == "operation" else 7.0
    width, height = shape_size(vertex)
    left, top = box.x - width / 2, box.y - height / 2
    short = vertex.kind == "operation" and len(vertex.label) < 3
    parts = [
        "<g>",
        f"<title>{escape(vertex.note)}</title>",
        f'<rect class="box {vertex.kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{radius:.1f}"/>',
        _text(vertex.label, box.x, box.y, "sign" if short else "name" if radius < ROUND else "op"),
        "</g>",
    ]
    if total is not None:
        parts.append(_text(f"sum {total}", box.x, top + height + 9, "gradient small"))
    return parts


def _text(text: str, x: float, y: float, classes: str) -> str:
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _legend(graph: Graph, height: float) -> list[str]:
    y = height - 16
    parts = [f'<text class="legend value" x="{MARGIN}" y="{y:.1f}">value, forward →</text>']
    if any(edge.gradient for edge in graph.edges):
        parts.append(
            f'<text class="legend gradient" x="{MARGIN + 112}" y="{y:.1f}">← gradient, back</text>'
        )
    return parts
