"""The picture as DOT text, for Graphviz."""

from __future__ import annotations

from html import escape

from xad.viz.graph import Graph

SHAPES = {
    "input": 'shape=box, style="rounded,filled", fillcolor="#ddf4ff", color="#54aeff"',
    "constant": 'shape=plaintext, fontcolor="#6e7781"',
    "operation": 'shape=circle, color="#57606a"',
    "output": 'shape=box, style="rounded,filled", fillcolor="#fff8c5", color="#d4a72c"',
}


def to_dot(graph: Graph) -> str:
    """The graph in the language of Graphviz: values in green on the edges, gradients in red."""
    lines = ["digraph computation {", "    rankdir=LR;", '    node [fontname="Helvetica"];']
    lines.append('    edge [fontname="Helvetica", color="#8c959f"];')
    for i, vertex in enumerate(graph.vertices):
        total = graph.totals.get(i)
        below = "" if total is None else f", xlabel={_coloured('', f'sum {total}')}"
        label = _quoted(vertex.label)
        tooltip = _quoted(vertex.note)
        look = SHAPES[vertex.kind] + below
        lines.append(f"    v{i} [label={label}, tooltip={tooltip}, {look}];")
    for edge in graph.edges:
        texts = edge.value or edge.gradient
        label = f" [label={_coloured(edge.value, edge.gradient)}]" if texts else " [style=dashed]"
        lines.append(f"    v{edge.source} -> v{edge.target}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _coloured(value: str, gradient: str) -> str:
    colours = ((value, "#1a7f37"), (gradient, "#cf222e"))
    lines = [f'<font color="{colour}">{escape(text)}</font>' for text, colour in colours if text]
    return f"<{'<br/>'.join(lines)}>"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
