"""Adapter: all that xad asks of an array library beyond the standard's own functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Literal

import numpy as np

from xad.backend.keys import (
    Key,
    key_kind,
    standard_last_uses,
    standard_put,
    standard_scatter_add,
)
from xad.backend.probe import INSTALL_LINES, Probe, describe
from xad.errors import BackendError

__all__ = ["Adapter", "DTypeKind"]

DTypeKind = Literal["real floating", "complex floating", "integral", "indexing", "bool"]


class Adapter:
    """One array library, seen through the standard's functions only.

    Any conforming library works through this class; a subclass overrides what its library does
    better, or lacks. Nothing is imported before it is needed.

    ``module`` is the library's own module, ``namespace_module`` the one with the standard's
    functions, ``types`` the names of its array types (``"pkg.module:Name"``).
    """

    #: Whether `from_host` may return an array over the host array's own memory.
    shares_host_memory = True
    #: Whether arrays can be written into.
    mutable = True
    #: Whether a boolean array times a floating one is as quick as it is short.
    multiplies_booleans = False
    #: Whether arrays take integers, slices and index arrays in one key, by NumPy's rules.
    takes_every_key = False

    def __init__(
        self,
        name: str,
        *,
        module: str | None = None,
        namespace_module: str | None = None,
        types: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.module = module or name
        self._namespace_module = namespace_module or self.module
        self._types = tuple(types)
        self._namespace: Any = None
        self._kernels: dict[str, Callable[..., Any]] = {}
        self._probe: Probe | None = None

    def __repr__(self) -> str:
        return f"<xad adapter of {self.name}>"

    # ---- the library ------------------------------------------------------------------------

    @property
    def namespace(self) -> Any:
        """The namespace of the standard's functions, imported at first use."""
        if self._namespace is None:
            self._namespace = self._import(self._namespace_module)
        return self._namespace

    def bind_namespace(self, namespace: Any) -> None:
        """Take ``namespace``, which an array of this library named, unless one is known."""
        if self._namespace is None:
            self._namespace = namespace

    def _import(self, module: str) -> Any:
        try:
            return import_module(module)
        except ImportError as error:
            raise BackendError(
                f"{self.name} cannot be imported ({describe(error)}). {self._install_line()}"
            ) from error

    def _install_line(self) -> str:
        return INSTALL_LINES.get(self.name, f"Install {self.module}") + "."

    def array_types(self) -> tuple[type, ...]:
        """The library's array types; empty while nobody has imported the library."""
        found = []
        for path in self._types:
            module, _, attribute = path.partition(":")
            kind = getattr(sys.modules.get(module), attribute, None)
            if isinstance(kind, type):
                found.append(kind)
        return tuple(found)

    def kernel(self, name: str, /) -> Callable[..., Any]:
        """The library's raw function for a name of the standard.

        ``"exp"``, ``"linalg.inv"``, or ``"special.erf"`` for the library's special functions
        (named as in ``scipy.special``). `BackendError` when the library has none.
        """
        found = self._kernels.get(name)
        if found is None:
            found = self._kernels[name] = self._find_kernel(name)
        return found

    def _find_kernel(self, name: str) -> Callable[..., Any]:
        if name.startswith("special."):
            function = self._special(name.removeprefix("special."))
        else:
            function = self.namespace
            for part in name.split("."):
                function = getattr(function, part, None)
        if not callable(function):
            raise self.lacking(repr(name))
        checked: Callable[..., Any] = function
        return checked

    def lacking(self, what: str) -> BackendError:
        """The error to raise for a function, or a use of one, that the library does not have."""
        return BackendError(
            f"{self.name} has no function {what}. Use another one, or move the array to a library "
            'that has it, for example x.to("numpy").'
        )

    def _special(self, name: str) -> Any:
        return getattr(getattr(self.namespace, "special", None), name, None)

    def _special_from(self, module: str, name: str) -> Any:
        """A special function from another module of the library, which may be missing."""
        try:
            return getattr(import_module(module), name, None)
        except ImportError as error:
            raise BackendError(
                f"{self.name}'s special functions are in {module}, which cannot be imported "
                f"({describe(error)}). pip install {module.partition('.')[0]}."
            ) from error

    def probe(self) -> Probe:
        """Whether the library computes here; found out once, at the first call."""
        if self._probe is None:
            self._probe = self._find_out()
        return self._probe

    def _find_out(self) -> Probe:
        try:
            root = import_module(self.module.partition(".")[0])
            import_module(self.module)
            self._try()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == self.module.partition(".")[0]:
                detail = f"there is no module {self.module!r}"
                return Probe("not-installed", detail, None, self._install_line())
            return Probe("broken-toolkit", describe(error), None, self._install_line())
        except Exception as error:  # noqa: BLE001
            # A broken installation may raise anything at all; the probe's job is to report it.
            return Probe("broken-toolkit", describe(error), None, f"Again: {self._install_line()}")
        version = getattr(root, "__version__", None)
        return Probe("ok", "", None if version is None else str(version))

    def _try(self) -> None:
        """Compute something: any error at all means that the library does not work."""
        self.namespace.zeros((1,))

    def remark(self) -> str:
        """What users should know of the library as it is set up here; empty where all is usual."""
        return ""

    # ---- devices ----------------------------------------------------------------------------

    def devices(self) -> list[Any]:
        """The library's device objects that can be used now."""
        return list(self.namespace.__array_namespace_info__().devices())

    def default_device(self) -> Any:
        """The device of new arrays when none is asked for."""
        device = self.namespace.__array_namespace_info__().default_device()
        return self.devices()[0] if device is None else device

    def device_name(self, device: Any, /) -> str:
        """The device's short name for `parse_device`: ``"cpu"``, ``"cuda:0"`` and so on."""
        return str(device)

    def device_of(self, array: Any, /) -> Any:
        """The device object that holds ``array``."""
        return array.device

    def parse_device(self, spec: Any = None, /) -> Any:
        """The device object for a name, for None (the default), or for a device object.

        `BackendError` when there is no such device, listing those that there are.
        """
        if spec is None:
            return self.default_device()
        devices = self.devices()
        wanted = self._canonical_device(spec)
        for device in devices:
            if wanted in (device, self.device_name(device)):
                return device
        names = ", ".join(self.device_name(device) for device in devices) or "none"
        raise BackendError(
            f"{self.name} has no device {spec!r}; its devices: {names}.{self._device_hint(spec)}"
        )

    def _canonical_device(self, spec: Any) -> Any:
        """The spelling of ``spec`` that `device_name` uses, or ``spec`` itself."""
        return spec

    def _device_hint(self, spec: Any) -> str:
        """What else to say when there is no device ``spec``; starts with a space."""
        return ""

    def synchronize(self, device: Any = None, /) -> None:
        """Wait for the work queued on ``device`` (default: all). At once where none is queued."""

    def around_rules(self, array: Any, /) -> AbstractContextManager[Any]:
        """What rules about ``array`` run in.

        It silences warnings about infinities: slopes have poles of their own.
        """
        return np.errstate(all="ignore")

    # ---- arrays -----------------------------------------------------------------------------

    def host_copy(self, array: Any, /) -> np.ndarray[Any, Any]:
        """A NumPy array of its own memory with the same values and data type."""
        try:
            view = np.from_dlpack(array)
        except (AttributeError, TypeError, ValueError, BufferError, RuntimeError):
            # Dask has no DLPack; JAX's bfloat16 has, but NumPy does not take it.
            view = np.asarray(array)
        if view.dtype.hasobject:
            raise BackendError(
                f"{self.name} offers no way to copy a {type(array).__name__} to the host: it "
                "needs __dlpack__, __array__ or the buffer protocol."
            )
        return np.array(view, copy=True)

    def at_hand(self, array: Any, /) -> bool:
        """Whether reading a value neither waits for a device nor computes a lazy array."""
        return False

    def lazy(self, array: Any, /) -> bool:
        """Whether the values of ``array`` are computed only when they are asked for, if then."""
        return False

    def computed(self, arrays: list[Any], /) -> list[Any]:
        """The arrays; those of a lazy library with their values computed, all at once."""
        return arrays

    def from_host(self, host: np.ndarray[Any, Any], device: Any = None, dtype: Any = None) -> Any:
        """An array of this library with the values of a NumPy array.

        It may lie over the NumPy array's memory where `shares_host_memory` is true. ``dtype`` is
        the library's, by default the one of the same name.
        """
        device = self.parse_device(device)
        return self.namespace.asarray(host, dtype=dtype, device=device)

    def to_device(self, array: Any, device: Any, /) -> Any:
        """``array`` on another device of this library (the same object if it is there already)."""
        return array.to_device(device)

    def rewrap(self, value: Any, /) -> Any:
        """``value``, with a scalar that stands for a 0-d array made one."""
        return value

    def owned(self, array: Any, /) -> Any:
        """``array``, or a copy if its memory is somebody else's too: what users may write into.

        Libraries that cannot tell get their arrays as they are.
        """
        return array

    def default_dtype(self, kind: DTypeKind = "real floating", device: Any = None) -> Any:
        """The dtype that the library gives to new arrays of a kind on ``device``."""
        if kind == "bool":
            return self.namespace.bool
        device = self.default_device() if device is None else device
        return self.namespace.__array_namespace_info__().default_dtypes(device=device)[kind]

    def number(self, value: float, like: Any) -> Any:
        """``value``, in the form in which operations on ``like`` take it quickest."""
        return value

    def column_sums(self, matrix: Any) -> Any:
        """The sum of the rows of a matrix."""
        return self.namespace.sum(matrix, axis=0, dtype=matrix.dtype)

    def lowest_and_highest(self, integers: Any) -> tuple[int, int]:
        """The smallest and the largest of some integers."""
        xp = self.namespace
        return int(xp.min(integers)), int(xp.max(integers))

    def are_below(self, integers: Any, count: int) -> bool:
        """Whether all of these integers are from 0 to ``count - 1``."""
        low, high = self.lowest_and_highest(integers)
        return low >= 0 and high < count

    def filled(self, shape: tuple[int, ...], value: complex, dtype: Any, device: Any) -> Any:
        """A new array full of ``value``."""
        return self.namespace.full(shape, value, dtype=dtype, device=device)

    def scatter_add(self, shape: tuple[int, ...], key: Key, values: Any, /) -> Any:
        """Zeros of ``shape`` with ``values`` added at ``key``; the transpose of ``x[key]``.

        ``key`` is the tuple that an array of ``shape`` was indexed with: integers, slices,
        ``...``, None, integer arrays, or one boolean array. ``values`` broadcast to
        ``x[key].shape`` and give the dtype and the device. Elements named twice get both values.
        """
        if key_kind(key, self.namespace.bool) == "integer":
            return self._accumulate(shape, key, values)
        return self.write(self._zeros(shape, values), key, values)

    def exclusive(self, array: Any, /) -> bool:
        """Whether the array's memory is its own, and every view of it refers to this very object.

        Then an object that nobody else refers to can be written into. False where nobody can tell.
        """
        return False

    def assign(self, array: Any, key: Key, values: Any, /) -> Any:
        """A copy of ``array`` with ``values`` at a ``key`` of integers and slices, or a mask."""
        return self.write(self.namespace.asarray(array, copy=True), key, values)

    def put(self, array: Any, indices: Any, values: Any, /) -> Any:
        """A copy of ``array`` with ``values`` at indices into its first axis; the last one counts.

        ``indices``: one-dimensional, from 0 up, in range. ``values``: an array with a row for each
        of them, or one number.
        """
        return standard_put(self.namespace, array, indices, values)

    def last_uses(self, indices: Any, length: int, /) -> Any:
        """For each of the indices, all below ``length``, the last place that has the same one."""
        return standard_last_uses(self.namespace, indices)

    def _zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return self.namespace.zeros(shape, dtype=like.dtype, device=self.device_of(like))

    def write(self, out: Any, key: Key, values: Any, /) -> Any:
        """``out`` with ``values`` written into it at ``key``; a copy where arrays never change."""
        if any(entry is None for entry in key):
            # The standard knows no None on the left-hand side.
            xp = self.namespace
            flat = xp.broadcast_to(values, out[key].shape)
            key = tuple(entry for entry in key if entry is not None)
            if not any(entry is Ellipsis for entry in key):
                key = (*key, Ellipsis)
            values = xp.reshape(flat, out[key].shape)
        # array-api-strict takes a mask of another device by itself, but not in a tuple of one.
        out[key[0] if len(key) == 1 else key] = values
        return out

    def gather(self, array: Any, indices: Key, /) -> Any:
        """The elements at integer arrays that broadcast, one for each of the first axes."""
        return array[indices]

    def _accumulate(self, shape: tuple[int, ...], key: Key, values: Any) -> Any:
        device = self.device_of(values)
        index_dtype = self.default_dtype("indexing", device)
        return standard_scatter_add(
            self.namespace, shape, key, values, device=device, index_dtype=index_dtype
        )
