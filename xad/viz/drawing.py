"""``draw``: the computation graph of a function, a program or a tensor, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import xad
from xad.programs.listing import Listing
from xad.viz.dot import to_dot
from xad.viz.graph import Graph
from xad.viz.recorded import graph_of_listing
from xad.viz.svg import to_svg
from xad.viz.trace import graph_of_function, graph_of_tensor

Format = Literal["svg", "dot"]
SUFFIXES: dict[str, Format] = {".svg": "svg", ".dot": "dot", ".gv": "dot"}


class Drawing:
    """A computation graph ready to be shown: as ``svg``, as ``dot``, in a notebook, in a file."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text."""
        return to_svg(self.graph)

    @cached_property
    def dot(self) -> str:
        """The graph as DOT text, for Graphviz."""
        return to_dot(self.graph)

    def save(self, path: str | PathLike[str], format: Format | None = None) -> Path:
        """Write the picture to a file; without ``format`` its suffix decides (.svg, .dot, .gv).

        Returns the path. Errors: ValueError for any other suffix.
        """
        path = Path(path)
        chosen = format or SUFFIXES.get(path.suffix.lower())
        if chosen not in {"svg", "dot"}:
            wish = format or path.suffix
            raise ValueError(f"xad.viz: expected 'svg' or 'dot', got {wish!r} for {path}")
        path.write_text(self.svg if chosen == "svg" else self.dot, "utf-8")
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        operations = sum(vertex.kind == "operation" for vertex in self.graph.vertices)
        return f"<Drawing of {operations} operations>"


def draw(
    what: Any | Callable[..., Any],
    *arguments: Any,
    names: Sequence[str] | Mapping[str, Any] | None = None,
    cotangent: Any = None,
    path: str | PathLike[str] | None = None,
    format: Format | None = None,
) -> Drawing:
    """Draw the computation graph of a function, or the one behind a tensor.

    Operations are round, inputs carry their names. Each edge carries the value that flows forward
    over it, in green, and the gradient that flows back, in red: numbers with four digits, short
    arrays in full, longer ones as ``dtype[shape]``. Where a result is used more than once, its
    gradient is the sum of those on the edges, written below it.

    ``draw(f, *arguments)`` runs ``f``; ``names`` are those of the arguments, by default the
    function's own. ``draw(y)`` draws what led to a tensor, before or after ``y.backward()``:
    intermediate values that the graph has not kept are shown as ``dtype[shape]``; ``names`` maps
    names to tensors, whose values are then known. ``cotangent`` is the gradient to start with, by
    default one for each element of the output. With ``path`` the picture is also written to a file.

    ``draw(program)``, of `xad.make_program` or `xad.load_program`, and ``draw(jitted.listing)``
    draw the operations that were written down, without running them: edges carry
    ``dtype[shape]``, inputs the names that they have in print.

    Errors: RuntimeError if no graph leads to the tensor; TypeError for anything else;
    ValueError for a file format other than SVG and DOT, and for another number of ``names``.

    >>> import xad
    >>> from xad import viz
    >>> picture = viz.draw(lambda W, x, b: W * x + b, 2.0, 3.0, 1.0)
    >>> picture
    <Drawing of 2 operations>
    >>> viz.draw(xad.make_program(lambda x: xad.sin(x) * 2)(0.5))
    <Drawing of 2 operations>
    >>> picture.save("neuron.svg")  # doctest: +SKIP
    """
    drawing = Drawing(_graph(what, arguments, names, cotangent))
    if path is not None:
        drawing.save(path, format)
    return drawing


def _graph(
    what: Any,
    arguments: tuple[Any, ...],
    names: Sequence[str] | Mapping[str, Any] | None,
    cotangent: Any,
) -> Graph:
    if isinstance(what, xad.Tensor):
        if arguments or not isinstance(names, Mapping | None):
            raise TypeError(
                'xad.viz.draw: for a tensor expected no arguments, and names={"W": W, ...} if any'
            )
        return graph_of_tensor(what, names, cotangent)
    if isinstance(what, Listing) or (isinstance(what, xad.Program) and not arguments):
        if arguments or cotangent is not None or isinstance(names, Mapping):
            raise TypeError(
                "xad.viz.draw: for a recorded program expected no arguments and no cotangent, "
                'and names=["W", "x"] if any; draw(program, *arguments) draws it with values'
            )
        return graph_of_listing(what if isinstance(what, Listing) else what.listing, names)
    if callable(what):
        return graph_of_function(what, arguments, None if names is None else [*names], cotangent)
    raise TypeError(
        "xad.viz.draw: expected a function, a program or a tensor with requires_grad, got "
        f"{type(what).__name__}"
    )
