"""What a library's probe found, and the one line that installs each library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["INSTALL_LINES", "Probe", "ProbeState", "describe"]

ProbeState = Literal["ok", "not-installed", "no-device", "broken-toolkit"]

INSTALL_LINES = {
    "numpy": "pip install numpy",
    "cupy": (
        'pip install cupy-cuda13x (or "xad-arrays[cupy-cuda13x]"); '
        "with a CUDA 12 driver: pip install cupy-cuda12x"
    ),
    "torch": "pip install torch",
    "jax": "pip install jax",
    "dask": 'pip install "dask[array]"',
    "array_api_strict": "pip install array-api-strict",
}


@dataclass(frozen=True)
class Probe:
    """Whether a library can compute here.

    ``state`` is ``"ok"``, ``"not-installed"``, ``"no-device"`` (installed, nothing to run on) or
    ``"broken-toolkit"`` (there, but it fails when used). ``detail`` is what was seen, ``remedy``
    what to do about it; both are empty when all is well.
    """

    state: ProbeState
    detail: str = ""
    version: str | None = None
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """True when the library computes."""
        return self.state == "ok"

    def sentence(self) -> str:
        """The finding in words, for the end of an error message."""
        return " ".join(part for part in (f"{self.state}: {self.detail}.", self.remedy) if part)


def describe(error: BaseException) -> str:
    """An exception as one short line: its type and its last line that says something.

    CuPy frames its import errors with rulers and a page of advice; the cause is the last line.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line.strip("=-*# ")]
    name = type(error).__name__
    return f"{name}: {telling[-1].rstrip('.')}" if telling else name
