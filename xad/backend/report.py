"""The report of ``python -m xad``: versions, libraries, devices, and what is selected."""

from __future__ import annotations

import platform
import sys
from typing import TextIO

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_named, known_backends
from xad.backend.selection import selected, selected_by
from xad.errors import BackendError

__all__ = ["config_text", "show_config"]


def show_config(file: TextIO | None = None) -> None:
    """Print `config_text`, by default to standard output.

    It imports and tries every library that is installed.
    """
    print(config_text(), file=file)


def config_text() -> str:
    """What xad finds on this machine, as text for people and for bug reports."""
    lines = [
        f"xad               {_version('xad-arrays')}",
        f"Python            {platform.python_version()} on {sys.platform} {platform.machine()}",
        f"array-api-compat  {_version('array-api-compat')}",
        f"selected          {_selected()}",
        "backends",
    ]
    for name in known_backends():
        lines += _library_lines(adapter_named(name))
    return "\n".join(lines)


def _version(distribution: str) -> str:
    # Costs 20 ms, a third of what `import xad` may take.
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _selected() -> str:
    try:
        selection = selected()
    except BackendError as error:
        return f"nothing: {error}"
    adapter = selection.adapter
    return f"{adapter.name} on {adapter.device_name(selection.device)} ({selected_by()})"


def _library_lines(adapter: Adapter) -> list[str]:
    probe = adapter.probe()
    name = f"  {adapter.name:<17} "
    if probe.ok:
        devices = ", ".join(adapter.device_name(device) for device in adapter.devices())
        remark = adapter.remark()
        note = f" ({remark})" if remark else ""
        return [f"{name}{probe.version or 'unknown version'}, ok: {devices}{note}"]
    version = f"{probe.version}, " if probe.version else ""
    found = [f"{name}{version}{probe.state}"]
    if probe.state != "not-installed":
        found.append(f"{'':<20}{probe.detail}")
    return [*found, f"{'':<20}{probe.remedy}"]
