"""CuPy as a program sees it, over the host's memory: arrays, pools of memory, streams and graphs.

Memory that is given back is overwritten and handed out again, work that is captured is not carried
out before the graph is launched, and what CuPy refuses to capture is refused.
"""

import weakref
from contextlib import contextmanager
from functools import partial, wraps
from types import SimpleNamespace

import numpy as np
from host_kernels import HostElementwise, HostReduction

from xad.backend import adapter_named

GARBAGE = 0xA5
# What CuPy calls cuBLAS, cuSOLVER or a synchronisation for.
UNCAPTURABLE = ("matmul", "linalg.", "sort", "unique", "nonzero")


class CUDARuntimeError(RuntimeError):
    """As CuPy's."""


class Memory:
    """A block of the device's memory."""

    def __init__(self, device, size):
        if size > device.free_bytes:
            raise CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")
        self.bytes = np.full(max(size, 1), GARBAGE, np.uint8)


class Block:
    """A block that goes back to its pool when nobody names it any longer."""

    def __init__(self, pool, memory):
        self.memory = memory
        weakref.finalize(self, pool.take_back, memory)


class MemoryPointer:
    def __init__(self, mem, offset):
        self.mem, self.offset = mem, offset

    @property
    def bytes(self):
        return self.mem.memory.bytes if isinstance(self.mem, Block) else self.mem.bytes

    @property
    def ptr(self):
        return self.bytes.ctypes.data + self.offset


class MemoryPool:
    """Blocks by size. Nothing is carried out while work is captured: not even overwriting."""

    def __init__(self, device, allocator):
        self._device, self._allocator = device, allocator
        self._blocks = {}
        self.memories = []

    def malloc(self, size):
        free = self._blocks.setdefault(size, [])
        if not free:
            self.memories.append(self._allocator(size).mem)
            free.append(self.memories[-1])
        memory = free.pop()
        return MemoryPointer(Block(self, memory), 0)

    def take_back(self, memory):
        if self._device.capturing is None:
            memory.bytes[:] = GARBAGE
        self._blocks.setdefault(memory.bytes.size, []).append(memory)


class Stream:
    def __init__(self, device, ptr):
        self._device, self.ptr = device, ptr
        self._outside = []
        self.waited_for = []

    def __enter__(self):
        self._outside.append(self._device.stream)
        self._device.stream = self
        return self

    def __exit__(self, *_):
        self._device.stream = self._outside.pop()

    def is_capturing(self):
        return self._device.capturing is not None and self._device.stream is self

    def begin_capture(self):
        assert self.ptr > 1, "cannot capture on the default (legacy) stream"
        self._device.capturing = []

    def end_capture(self):
        work, self._device.capturing = self._device.capturing, None
        return Graph(self._device, work)

    def record(self):
        return ("event", self.ptr)

    def wait_event(self, event):
        self.waited_for.append(event)


class Graph:
    def __init__(self, device, work):
        self._device, self._work = device, work

    def launch(self, stream):
        assert self._device.capturing is None
        self._device.launches.append((stream.ptr, len(self._work)))
        for step in self._work:
            step()


class Flags:
    def __init__(self, host):
        self.c_contiguous = host.flags.c_contiguous


class Array:
    """An array of the device. ``host`` looks at its memory: kernels alone may."""

    def __init__(self, shape, dtype=float, memptr=None, *, host=None, base=None):
        if host is None:
            count = int(np.prod(shape, dtype=int))
            size = count * np.dtype(dtype).itemsize
            memptr = device.allocate(size) if memptr is None else memptr
            host = memptr.bytes[memptr.offset :][:size].view(dtype).reshape(shape)
        self.host, self.base, self._memptr = host, base, memptr
        self.shape, self.dtype, self.ndim = host.shape, host.dtype, host.ndim

    @property
    def data(self):
        return self._memptr if self.base is None else SimpleNamespace(ptr=self.host.ctypes.data)

    @property
    def flags(self):
        return Flags(self.host)

    @property
    def device(self):
        return SimpleNamespace(id=0)

    def copy(self):
        return run("copy", lambda x: x.copy(), self)

    def __getitem__(self, key):
        return run("getitem", lambda x: x[key], self)

    def get(self):
        """A synchronisation."""
        assert device.capturing is None, "the current stream is capturing"
        return self.host.copy()


class Device:
    """The state of the one device."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.capturing = None
        self.null = Stream(self, 0)
        self.stream = self.null
        self.streams = 1
        self.free_bytes = 1 << 30
        self.launches = []
        self.calls = []
        self.pool = MemoryPool(self, lambda size: MemoryPointer(Memory(self, size), 0))
        self.allocate = self.pool.malloc


device = Device()


def on_device(values):
    """A new array with these values."""
    values = np.asarray(values)
    out = Array(values.shape, values.dtype)
    out.host[...] = values
    return out


def hosts(x):
    """The memory behind arrays, however deep in sequences."""
    if isinstance(x, (list, tuple)):
        return type(x)(map(hosts, x))
    return x.host if isinstance(x, Array) else x


def owner_of(host, arguments):
    """The array among the arguments that a result is a view of."""
    flat = [y for x in arguments for y in (x if isinstance(x, (list, tuple)) else [x])]
    return next((x for x in flat if isinstance(x, Array) and np.shares_memory(host, x.host)), None)


def run(name, function, *arguments, **options):
    """Carry work out, or note it down for the graph that is being made."""
    if device.capturing is not None and name.startswith(UNCAPTURABLE):
        raise NotImplementedError("calling cuBLAS API during stream capture is unsupported")
    device.calls.append(name)
    with np.errstate(all="ignore"):
        made = function(*hosts(arguments), **options)
    several = isinstance(made, (list, tuple))
    outs = []
    for number, result in enumerate(made if several else [made]):
        host = np.asarray(result)
        owner = owner_of(host, arguments)
        if owner is not None:
            base = owner if owner.base is None else owner.base
            same = host is owner.host
            outs.append(owner if same else Array((), memptr=owner._memptr, host=host, base=base))
            continue
        out = Array(host.shape, host.dtype)
        outs.append(out)
        if device.capturing is None:
            out.host[...] = host
        else:
            again = partial(_again, function, hosts(arguments), options, number, several)
            device.capturing.append(lambda again=again, out=out.host: _write(out, again()))
    return tuple(outs) if several else outs[0]


def _again(function, arguments, options, number, several):
    with np.errstate(all="ignore"):
        made = function(*arguments, **options)
    return made[number] if several else made


def _write(out, values):
    """As threads would: what overlaps is overwritten while it is read."""
    if np.shares_memory(out, values):
        for place in np.ndindex(out.shape):
            out[place] = values[place]
    else:
        out[...] = values


def copyto(target, source):
    device.calls.append("copyto")
    if device.capturing is None:
        _write(target.host, source.host)
    else:
        device.capturing.append(partial(_write, target.host, source.host))


@contextmanager
def using_allocator(allocate):
    outside, device.allocate = device.allocate, allocate
    try:
        yield
    finally:
        device.allocate = outside


def new_stream(non_blocking):
    assert non_blocking
    device.streams += 1
    return Stream(device, device.streams)


def fake_cupy(folder):
    """The module as the generator uses it; kernels are compiled into ``folder``."""

    def kernel(make, *texts, **options):
        made = make(folder, *texts, **options)
        name = getattr(made, "name", texts[3] if make is HostElementwise else texts[6])

        def call(*arrays, **given):
            inputs = len(made.inputs)
            outs = arrays[inputs:]
            results = run(name, made, *arrays[:inputs], *outs, **given)
            if not outs:
                return results
            for out, result in zip(
                outs, results if isinstance(results, tuple) else (results,), strict=True
            ):
                copyto(out, result)
            return outs[0] if len(outs) == 1 else outs

        return call

    cuda = SimpleNamespace(
        MemoryPool=partial(MemoryPool, device),
        Memory=partial(Memory, device),
        MemoryPointer=MemoryPointer,
        Stream=new_stream,
        get_current_stream=lambda: device.stream,
        using_allocator=using_allocator,
        runtime=SimpleNamespace(CUDARuntimeError=CUDARuntimeError, getDevice=lambda: 0),
    )
    return SimpleNamespace(
        ElementwiseKernel=partial(kernel, HostElementwise),
        ReductionKernel=partial(kernel, HostReduction),
        ndarray=Array,
        empty=Array,
        copyto=copyto,
        cuda=cuda,
    )


class FakeAdapter:
    """CuPy's adapter: NumPy's functions, carried out on the device."""

    name = "cupy"

    def __init__(self, module):
        self.module = module
        self._numpy = adapter_named("numpy")

    def kernel(self, name):
        function = self._numpy.kernel(name)

        @wraps(function, updated=())
        def call(*arguments, **options):
            return run(name, function, *arguments, **options)

        return call

    @property
    def namespace(self):
        """Functions of the device for names of the standard."""
        return _Namespace(self)


class _Namespace:
    def __init__(self, adapter):
        self._adapter = adapter

    def __getattr__(self, name):
        numpy = adapter_named("numpy").namespace
        value = getattr(numpy, name)
        plain = isinstance(value, type) or not callable(value) or name in ("isdtype", "finfo")
        return value if plain else self._adapter.kernel(name)
