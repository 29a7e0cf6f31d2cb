"""."""

from __future__ import annotations

from xad.testing.opinfo import OpInfo

OPS: list[OpInfo] = []
