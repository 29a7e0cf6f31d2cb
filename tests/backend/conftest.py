"""Fixtures for floor 1: every library in turn, a clean selection, a CuPy without a GPU."""

from __future__ import annotations

import pytest
from fake_cupy import installed, make_fake_cupy

from xad.backend import registry, selection
from xad.backend.cupy_adapter import CupyAdapter

LIBRARIES = ("numpy", "array_api_strict", "torch", "jax", "dask")


@pytest.fixture(params=LIBRARIES)
def adapter(request, require_library):
    """The adapter of each library that is installed."""
    require_library(request.param)
    return registry.adapter_named(request.param)


@pytest.fixture
def torch_adapter(require_library):
    require_library("torch")
    return registry.adapter_named("torch")


@pytest.fixture
def strict():
    return registry.adapter_named("array_api_strict")


@pytest.fixture(autouse=True)
def clean_selection(monkeypatch):
    """No choice in code or environment, before and after."""
    monkeypatch.delenv("XAD_BACKEND", raising=False)
    monkeypatch.delenv("XAD_DEVICE", raising=False)
    for field, empty in (("chosen", None), ("from_environment", None), ("warned", False)):
        monkeypatch.setattr(selection._Process, field, empty)


@pytest.fixture
def cupy_adapter(monkeypatch):
    """A function: install a fake CuPy (or None: none at all) and get a fresh adapter for it."""
    contexts = []

    def install(absent=False, **options):
        context = installed(None if absent else make_fake_cupy(**options))
        cupy = context.__enter__()
        contexts.append(context)
        fresh = CupyAdapter()
        if cupy is not None:
            fresh.bind_namespace(cupy)
            fresh.fake = cupy
        monkeypatch.setitem(registry._known, "cupy", fresh)
        return fresh

    yield install
    for context in reversed(contexts):
        context.__exit__(None, None, None)
