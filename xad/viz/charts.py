"""Charts: curves, heat maps, decision regions, confusion matrices, rows of images.

They are matplotlib figures that belong to nobody else: pyplot's state is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, sqrt
from os import PathLike
from typing import Any

import numpy as np

import xad
from xad.backend import adapter_of
from xad.core.wrapper import Wrapper, innermost
from xad.errors import BackendError, ShapeError

__all__ = ["confusion_matrix", "curves", "decision_regions", "heat_map", "images"]

Path = str | PathLike[str] | None
Host = np.ndarray[Any, Any]

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#9d755d")
VALIDATION = "validation_"


def curves(history: Mapping[str, Sequence[float]], *, path: Path = None) -> Any:
    """What training measured, epoch by epoch: a panel for each quantity.

    ``history`` maps names to a number for each epoch. ``validation_loss`` shares the panel of
    ``loss``, and so on; ``seconds`` is left out.

    Errors: RuntimeError without matplotlib; ValueError if there is nothing to draw.
    """
    names = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in history))
    names = [name for name in names if name != "seconds"]
    if not names:
        raise ValueError("viz.curves: expected at least one quantity, got an empty history")
    figure = _figure(4.6 * len(names), 3.4)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, colour in ((name, COLOURS[0]), (VALIDATION + name, COLOURS[1])):
            if key in history:
                label = "validation" if key.startswith(VALIDATION) else "training"
                values = history[key]
                mark = "o" if len(values) <= 30 else ""
                axes.plot(
                    range(1, len(values) + 1), values, mark + "-", ms=4, color=colour, label=label
                )
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return _finish(figure, path)


def heat_map(
    values: Any,
    *,
    extent: tuple[float, float, float, float] | None = None,
    limits: tuple[float, float] | None = None,
    titles: str | Sequence[str] = (),
    labels: tuple[str, str] = ("", ""),
    marks: Sequence[tuple[str, Sequence[float]]] = (),
    path: Path = None,
) -> Any:
    """Numbers over a plane as colours; several planes side by side share their scale.

    ``values``: shape (rows, columns) or (planes, rows, columns); row 0 is at the bottom.
    ``extent``: left, right, bottom, top. ``limits``: what the ends of the scale stand for.
    ``titles``: one for each plane. ``labels``: of the two axes. ``marks``: names
    and where they stand.

    Errors: RuntimeError without matplotlib; ValueError for another number of axes.
    """
    planes = _host(values)
    planes = planes[None] if planes.ndim == 2 else planes
    if planes.ndim != 3:
        raise ShapeError(f"viz.heat_map: expected 2 or 3 axes, got shape {planes.shape}")
    titles = [titles] if isinstance(titles, str) else titles
    low, high = limits or (float(planes.min()), float(planes.max()))
    figure = _figure(3.6 * len(planes) + 0.8, 3.4)
    row = figure.subplots(1, len(planes), squeeze=False)[0]
    picture = None
    for i, (axes, plane) in enumerate(zip(row, planes, strict=True)):
        picture = axes.imshow(
            plane, origin="lower", extent=extent, vmin=low, vmax=high, cmap="viridis", aspect="auto"
        )
        axes.set(title=titles[i] if i < len(titles) else "", xlabel=labels[0], ylabel=labels[1])
        for name, (x, y) in marks:
            axes.plot([x], [y], "o", ms=15, color="white", mec="#57606a", clip_on=False)
            axes.annotate(name, (x, y), ha="center", va="center", color="#24292f", fontsize=9)
    figure.colorbar(picture, ax=list(row))
    return _finish(figure, path)


def decision_regions(
    predict: Callable[[Any], Any],
    points: Any,
    labels: Any,
    *,
    resolution: int = 300,
    title: str = "",
    path: Path = None,
) -> Any:
    """Points in a plane over the regions in which a classifier decides for each class.

    ``predict`` takes points of shape (n, 2), a tensor with the dtype of ``points``, and returns
    scores of shape (n, classes). ``labels``: class numbers of shape (n,).

    Errors: RuntimeError without matplotlib; ValueError if the points are not in a plane.
    """
    spots, classes = _host(points), _host(labels)
    if spots.ndim != 2 or spots.shape[1] != 2:
        raise ShapeError(f"viz.decision_regions: expected points (n, 2), got {spots.shape}")
    low, high = spots.min(axis=0), spots.max(axis=0)
    border = 0.08 * (high - low)
    (left, bottom), (right, top) = low - border, high + border
    x, y = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack([*np.meshgrid(x, y)], axis=-1).reshape(-1, 2).astype(spots.dtype)
    scores = _host(predict(xad.asarray(grid)))
    decided = scores.argmax(axis=-1).reshape(resolution, resolution)
    count = int(max(scores.shape[-1], classes.max() + 1))
    figure = _figure(4.8, 4.6)
    axes = figure.subplots()
    palette = [COLOURS[i % len(COLOURS)] for i in range(count)]
    bounds = np.arange(count + 1) - 0.5
    axes.contourf(x, y, decided, levels=bounds, colors=palette, alpha=0.3)
    axes.contour(x, y, decided, levels=bounds[1:-1], colors="white", linewidths=1.2)
    for i, colour in enumerate(palette):
        chosen = spots[classes == i]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=18, c=colour, edgecolors="white", lw=0.6)
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    return _finish(figure, path)


def confusion_matrix(
    truth: Any, guesses: Any, *, names: Sequence[str] | None = None, path: Path = None
) -> Any:
    """How often each class (rows) was taken for which (columns), as counts and colours.

    ``truth``, ``guesses``: class numbers of shape (n,). ``names``: of the classes, by default their
    numbers.

    Errors: RuntimeError without matplotlib; ValueError if the shapes differ.
    """
    true, guessed = _host(truth), _host(guesses)
    if true.shape != guessed.shape or true.ndim != 1:
        raise ShapeError(
            f"viz.confusion_matrix: expected two arrays of shape (n,), got {true.shape} and "
            f"{guessed.shape}"
        )
    size = int(max(true.max(), guessed.max())) + 1
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (true, guessed), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(1.6 + 0.46 * size, 1.5 + 0.44 * size)
    axes = figure.subplots()
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = shares[row, column] > 0.35
            axes.text(
                column, row, str(count), ha="center", va="center", fontsize=8,
                color="white" if dark else "#24292f",
            )  # fmt: skip
    ticks = names or [str(i) for i in range(size)]
    axes.set_xticks(range(size), ticks)
    axes.set_yticks(range(size), ticks)
    axes.set(xlabel="guess", ylabel="truth", title=f"{np.trace(counts) / counts.sum():.2%} right")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return _finish(figure, path)


def images(
    values: Any, *, columns: int | None = None, signed: bool = True, path: Path = None
) -> Any:
    """Small images in a grid: the weights of a first layer, for example.

    ``values``: shape (n, height, width). ``signed``: blue for negative and red for positive
    numbers, on one scale for all; otherwise grey from the smallest to the largest.

    Errors: RuntimeError without matplotlib; ValueError for another number of axes.
    """
    tiles = _host(values)
    if tiles.ndim != 3 or not len(tiles):
        raise ShapeError(f"viz.images: expected shape (n, height, width), got {tiles.shape}")
    count, height, width = tiles.shape
    columns = columns or ceil(sqrt(count * 1.6))
    rows = ceil(count / columns)
    gap = max(1, width // 14)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    scale: dict[str, Any] = {"cmap": "gray"}
    if signed:
        most = float(np.quantile(np.abs(tiles), 0.995)) or 1.0
        scale = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    figure = _figure(0.62 * columns + 0.3, 0.62 * rows * height / width + 0.3)
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest", **scale)
    axes.axis("off")
    return _finish(figure, path)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackendError(
            "xad.viz: charts need matplotlib, which cannot be imported; "
            'pip install "xad-arrays[viz]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _finish(figure: Any, path: Path) -> Any:
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _host(x: Any) -> Host:
    """A NumPy array with the values of an array of any library, a tensor, or a list."""
    if isinstance(x, Wrapper):
        x = innermost(x)
    return adapter_of(x).host_copy(x) if hasattr(x, "dtype") else np.asarray(x)
