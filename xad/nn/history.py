"""What training measured, epoch by epoch."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

__all__ = ["History"]

_NOT_DRAWN = ("seconds",)


class History(dict[str, list[float]]):
    """A list for each quantity, with an entry for each epoch.

    ``loss`` and each metric are means over the training batches, measured while the weights change;
    ``validation_loss`` and so on are those of the weights after the epoch; ``seconds`` is the time
    it took. Entries of an epoch that was broken off are not there.
    """

    def record(self, values: dict[str, float]) -> None:
        """Add the values of one more epoch."""
        for name, value in values.items():
            self.setdefault(name, []).append(value)

    def plot(self, path: str | Path) -> None:
        """Draw the curves into an image file, a panel for each quantity. Needs Matplotlib.

        Errors: ImportError without Matplotlib; ValueError if there is no epoch to draw.
        """
        names = [n for n in self if n not in _NOT_DRAWN and not n.startswith("validation_")]
        if not names:
            raise ValueError("plot: expected at least one epoch in the history, got none")
        try:
            figure_class = import_module("matplotlib.figure").Figure
        except ImportError as error:
            raise ImportError(
                "plotting the history needs Matplotlib, which cannot be imported; "
                "pip install 'xad-arrays[viz]'"
            ) from error
        figure = figure_class(figsize=(5 * len(names), 3.6), layout="constrained")
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for panel, name in zip(panels, names, strict=True):
            for key, label in ((name, "training"), (f"validation_{name}", "validation")):
                if key in self:
                    panel.plot(range(1, len(self[key]) + 1), self[key], marker=".", label=label)
            panel.set_xlabel("epoch")
            panel.set_ylabel(name)
            panel.legend()
        figure.savefig(path)
