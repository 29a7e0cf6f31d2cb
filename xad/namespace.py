"""The standard's namespace over one library: what ``x.__array_namespace__()`` returns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache, partial
from types import ModuleType, SimpleNamespace
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.selection import selected_in
from xad.ops import (
    contraction,
    convolution,
    creation,
    cumulative,
    data_type,
    elementwise,
    fft,
    fft_frequencies,
    fft_real,
    grids,
    joining,
    linalg_decompositions,
    linalg_determinants,
    linalg_norms,
    linalg_products,
    linalg_pseudoinverse,
    linalg_solving,
    linalg_spectra,
    linear_algebra,
    manipulation,
    searching,
    set_functions,
    sorting,
    special,
    special_bessel,
    special_distributions,
    special_entropy,
    special_error,
    special_gamma,
    special_incomplete,
    special_quotients,
    statistical,
    taking,
    utility,
)
from xad.ops.creation import Creation
from xad.ops.dtypes import dtypes_of
from xad.ops.fft_frequencies import FrequencyCreation
from xad.ops.inspection import Inspection

API_VERSION = "2025.12"

CHAPTERS: tuple[ModuleType, ...] = (
    contraction,
    convolution,
    creation,
    cumulative,
    data_type,
    elementwise,
    grids,
    joining,
    linear_algebra,
    manipulation,
    searching,
    set_functions,
    sorting,
    statistical,
    taking,
    utility,
)
"""The modules whose ``__all__`` makes up the main namespace."""

LINALG: tuple[ModuleType, ...] = (
    linear_algebra,
    linalg_decompositions,
    linalg_determinants,
    linalg_norms,
    linalg_products,
    linalg_pseudoinverse,
    linalg_solving,
    linalg_spectra,
)
FFT: tuple[ModuleType, ...] = (fft, fft_frequencies, fft_real)
SPECIAL: tuple[ModuleType, ...] = (
    special,
    special_bessel,
    special_distributions,
    special_entropy,
    special_error,
    special_gamma,
    special_incomplete,
    special_quotients,
)
"""The modules of each extension."""

CONSTANTS = {"e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None, "pi": math.pi}


def names_of(chapters: Iterable[ModuleType]) -> dict[str, Any]:
    """Everything that these modules list in ``__all__``, by name."""
    return {name: getattr(chapter, name) for chapter in chapters for name in chapter.__all__}


class Namespace:
    """xad's functions, with the data types, constants and creation functions of one library.

    It is hashable and has a ``__name__``, as array-API code expects of a module.
    """

    __array_api_version__ = API_VERSION

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self.__name__ = f"xad[{adapter.name}]"
        self.linalg = SimpleNamespace(**names_of(LINALG))
        self.special = SimpleNamespace(**names_of(SPECIAL))
        vars(self).update(CONSTANTS)
        vars(self).update(dtypes_of(adapter))
        vars(self).update(names_of(CHAPTERS))
        self._choose = partial(selected_in, adapter)
        local = Creation(self._choose)
        for name in ("asarray", *creation.__all__):
            if hasattr(local, name):
                setattr(self, name, getattr(local, name))
        frequencies = FrequencyCreation(self._choose)
        made = {"fftfreq": frequencies.fftfreq, "rfftfreq": frequencies.rfftfreq}
        self.fft = SimpleNamespace(**{**names_of(FFT), **made})

    def __array_namespace_info__(self) -> Inspection:
        """What can be asked about the library, its devices and data types."""
        return Inspection(self._choose)

    def __getattr__(self, name: str) -> Any:
        known = getattr(self._adapter.namespace, name, None)
        if name.startswith("_") or known is None:
            raise AttributeError(f"{self!r}: neither xad nor {self._adapter.name} has {name!r}")
        raise AttributeError(
            f"{self!r}: {self._adapter.name} has {name!r}, but xad does not, so that nothing could "
            "flow through it; compute with x.detach() and the library itself"
        )

    def __repr__(self) -> str:
        return f"<namespace {self.__name__}>"


@cache
def namespace_over(adapter: Adapter) -> Namespace:
    """The one namespace over this library."""
    return Namespace(adapter)
