"""Compile the C++ of CUDA kernels for the host, to run it where there is no GPU."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

TYPES = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}
# What CUDA names without a namespace, for float and double.
FUNCTIONS = [
    *("exp", "expm1", "log", "log1p", "log2", "log10", "exp2", "cbrt", "sqrt", "pow", "hypot"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("copysign", "nextafter", "fabs", "floor", "ceil", "trunc", "rint", "erf", "erfc", "isnan"),
]
SHIM = "\n".join(
    [
        "#include <cmath>",
        "#define __device__",
        *[f"using std::{name};" for name in FUNCTIONS],
    ]
)


def needs_compiler():
    """Skip without a compiler of C++."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: the kernels' C++ cannot be compiled for the host")


LIBRARIES = {}


def build(source, folder):
    """Load a library made of this C++; the same for the same."""
    if source not in LIBRARIES:
        path = folder / f"kernels_{len(LIBRARIES)}.cpp"
        path.write_text(f"{SHIM}\n{source}")
        library = path.with_suffix(".so")
        command = ["g++", "-O0", "-ffp-contract=off", "-shared", "-fPIC", "-w", path, "-o", library]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{path.read_text()}"
        LIBRARIES[source] = ctypes.CDLL(str(library))
    return LIBRARIES[source]


def parameters(text):
    """The (data type, name) of each parameter of a kernel."""
    return [tuple(part.split()) for part in text.split(",") if part.strip()]


def pointers(arrays):
    """The addresses of arrays, as C takes them."""
    return [ctypes.c_void_p(x.ctypes.data) for x in arrays]


class HostElementwise:
    """What `cupy.ElementwiseKernel` does, over NumPy arrays; outputs may be given."""

    def __init__(self, folder, inputs, outputs, body, name, preamble="", options=()):
        assert options == ("--fmad=false",)
        self.inputs, self.outputs = parameters(inputs), parameters(outputs)
        given = [f"const {TYPES[t]}* {n}p" for t, n in self.inputs]
        given += [f"{TYPES[t]}* {n}p" for t, n in self.outputs]
        names = [f"const {TYPES[t]}& {n} = {n}p[i];" for t, n in self.inputs]
        names += [f"{TYPES[t]}& {n} = {n}p[i];" for t, n in self.outputs]
        source = (
            f'{preamble}\nextern "C" void run(long size, {", ".join(given)}) {{\n'
            f"for (long i = 0; i < size; i++) {{ {' '.join(names)}\n{body};\n}} }}\n"
        )
        self.compiled = build(source, folder)

    def __call__(self, *arrays):
        given = arrays[: len(self.inputs)]
        made = arrays[len(self.inputs) :]
        for x, (dtype, _) in zip(arrays, self.inputs + self.outputs, strict=False):
            assert x.dtype == dtype
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        outs = [np.empty(shape, dtype) for dtype, _ in self.outputs]
        given = [np.ascontiguousarray(np.broadcast_to(x, shape)) for x in given]
        self.compiled.run(ctypes.c_long(outs[0].size), *pointers([*given, *outs]))
        for x, out in zip(made, outs, strict=False):
            x[...] = out
        return outs[0] if len(outs) == 1 else tuple(outs)


class HostReduction:
    """What `cupy.ReductionKernel` does, over NumPy arrays."""

    def __init__(
        self, folder, inputs, outputs, mapping, reduce, finish, identity, name, *, reduce_type,
        preamble, options,
    ):  # fmt: skip
        assert options == ("--fmad=false",)
        self.inputs, self.outputs = parameters(inputs), parameters(outputs)
        ((self.dtype, out),) = self.outputs
        given = [f"const {TYPES[t]}* {n}p" for t, n in self.inputs]
        names = [f"const {TYPES[t]}& {n} = {n}p[i * length + j];" for t, n in self.inputs]
        source = (
            f"{preamble}\n#define REDUCE(a, b) ({reduce})\n"
            f"typedef {reduce_type} _type_reduce;\n"
            f'extern "C" void run(long size, long length, {", ".join(given)}, '
            f"{TYPES[self.dtype]}* {out}p) {{\n"
            f"for (long i = 0; i < size; i++) {{ _type_reduce a = _type_reduce({identity});\n"
            f"for (long j = 0; j < length; j++) {{ {' '.join(names)}\n"
            f"_type_reduce _a = static_cast<_type_reduce>({mapping}); a = REDUCE(a, _a); }}\n"
            f"{TYPES[self.dtype]}& {out} = {out}p[i]; {finish}; }} }}\n"
        )
        self.compiled = build(source, folder)

    def __call__(self, *arrays, axis, keepdims):
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        last = tuple(range(len(shape) - len(axis), len(shape)))
        moved = [np.moveaxis(np.broadcast_to(x, shape), axis, last) for x in arrays]
        kept = tuple(1 if i in axis else n for i, n in enumerate(shape))
        out = np.empty(kept, self.dtype)
        length = int(np.prod([shape[i] for i in axis]))
        given = [np.ascontiguousarray(x) for x in moved]
        self.compiled.run(ctypes.c_long(out.size), ctypes.c_long(length), *pointers([*given, out]))
        return out if keepdims else out.reshape([n for i, n in enumerate(shape) if i not in axis])
