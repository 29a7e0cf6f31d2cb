"""Floor 1: which library and which device.

An `Adapter` per array library says what the standard does not; the registry finds it by array
type, the selection says which one new arrays get. No library but NumPy is imported before use.
"""

from __future__ import annotations

from xad.backend.adapter import Adapter
from xad.backend.probe import Probe
from xad.backend.registry import adapter_for, adapter_named, adapter_of, known_backends
from xad.backend.report import config_text, show_config
from xad.backend.selection import Selection, selected, selected_by, set_backend, use_backend
from xad.backend.transfer import parse_target

__all__ = [
    "Adapter",
    "Probe",
    "Selection",
    "adapter_for",
    "adapter_named",
    "adapter_of",
    "config_text",
    "known_backends",
    "parse_target",
    "selected",
    "selected_by",
    "set_backend",
    "show_config",
    "use_backend",
]
