"""What can go wrong with files and in training, beside the errors of xad itself."""

from __future__ import annotations

from typing import Any

from xad.errors import XadError

__all__ = ["CheckpointError", "DataError", "DivergenceError"]


class CheckpointError(XadError, ValueError):
    """A file that `load` cannot read, or that does not fit the tree."""


class DataError(XadError, ValueError):
    """A data file that is missing, damaged or of another kind."""


class DivergenceError(XadError, FloatingPointError):
    """The loss became infinite or NaN. ``result`` holds the best weights and the history so far."""

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result
