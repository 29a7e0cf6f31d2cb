"""Arrays from one library or device to another, and the targets that ``x.to(...)`` takes."""

from __future__ import annotations

from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_named, adapter_of, known_backends
from xad.errors import BackendError

__all__ = ["parse_target", "transfer"]

_GPU_LIBRARIES = ("cupy", "torch")


def transfer(array: Any, target: Adapter, device: Any = None) -> Any:
    """``array`` as one of ``target``'s arrays on ``device``, with its data type.

    Within a library this is its own move, which returns the same object when there is nothing
    to do; between libraries the result has memory of its own. CuPy and torch on one GPU copy
    there; everything else goes through the host.
    """
    source = adapter_of(array)
    array = source.rewrap(array)
    device = target.parse_device(device)
    if source is target:
        if source.device_of(array) == device:
            return array
        return target.to_device(array, device)
    if _on_one_gpu(source, array, target, device):
        return _copy_on_gpu(array, target)
    if source.name == "numpy" and not target.shares_host_memory:
        return target.from_host(array, device)
    return target.from_host(source.host_copy(array), device)


def _on_one_gpu(source: Adapter, array: Any, target: Adapter, device: Any) -> bool:
    if source.name not in _GPU_LIBRARIES or target.name not in _GPU_LIBRARIES:
        return False
    here = source.device_name(source.device_of(array))
    return here.startswith("cuda") and here == target.device_name(device)


def _copy_on_gpu(array: Any, target: Adapter) -> Any:
    if target.name == "cupy":
        # DLPack carries neither torch's gradients nor its lazy conjugation.
        array = array.detach().resolve_conj().resolve_neg()
        shared = target.namespace.from_dlpack(array)
        with shared.device:
            return shared.copy()
    return target.namespace.from_dlpack(array).clone()


def parse_target(spec: Any, source: Adapter) -> tuple[Adapter, Any]:
    """The library and the device that a target names, seen from arrays of ``source``.

    ``"torch"``, ``"torch:cuda:1"``: that library, on its default or the named device.
    ``"cuda"``, ``"cuda:1"``: a GPU; from NumPy that is CuPy's. ``"cpu"``: the host; from CuPy
    that is NumPy's. Any other name, or a device object: a device of ``source``.
    """
    if not isinstance(spec, str):
        return source, source.parse_device(spec)
    head, _, rest = spec.partition(":")
    if head in known_backends():
        target = adapter_named(head)
        return _usable(target, spec, source), target.parse_device(rest or None)
    if source.name == "numpy" and head == "cuda":
        target = adapter_named("cupy")
        return _usable(target, spec, source), target.parse_device(spec)
    if source.name == "cupy" and spec == "cpu":
        target = adapter_named("numpy")
        return target, target.parse_device(spec)
    try:
        return source, source.parse_device(spec)
    except BackendError as error:
        raise BackendError(
            f"{error} Other libraries: {', '.join(known_backends())}, alone or with a device "
            'as in "torch:cpu".'
        ) from error


def _usable(target: Adapter, spec: str, source: Adapter) -> Adapter:
    probe = target.probe() if target is not source else None
    if probe is not None and not probe.ok:
        raise BackendError(f"{spec!r} means {target.name} here. {probe.sentence()}")
    return target
