"""The C++ of elementwise operations, compiled for the host, against NumPy."""

import ctypes
import itertools

import numpy as np
import pytest
from host_kernels import build, needs_compiler, pointers

from xad.backend import adapter_named
from xad.core.recording import Instruction, Variable
from xad.ops.declare import primitives
from xad.programs.cupy import expressions as written
from xad.programs.listing import Kind

A, B, C, OUT = (Variable(i) for i in range(4))
NAMES = {A: "a_", B: "b_", C: "c_", OUT: "out_"}
SIGNED, UNSIGNED = ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64")
INTEGRAL, FLOATING = SIGNED + UNSIGNED, ("float32", "float64")
REAL = INTEGRAL + FLOATING

UNARY = {
    **dict.fromkeys(("positive", "negative", "square", "abs", "sign", "conj", "real"), REAL),
    **dict.fromkeys(("ceil", "floor", "trunc", "round"), REAL),
    **dict.fromkeys(("isnan", "isinf", "isfinite", "signbit", "reciprocal", "sqrt"), FLOATING),
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "log2", "log10"), FLOATING),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "atan"), FLOATING),
    **dict.fromkeys(("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"), FLOATING),
    **{
        f"special.{name}": FLOATING
        for name in (*("expit", "log_expit", "softplus", "relu", "erf", "erfc", "exp2", "cbrt"),)
    },
    "bitwise_invert": (*INTEGRAL, "bool"),
    "logical_not": ("bool",),
    "stop_gradient": (*REAL, "bool"),
    "copy": (*REAL, "bool"),
}
BINARY = {
    **dict.fromkeys(("add", "subtract", "multiply", "maximum", "minimum", "pow"), REAL),
    **dict.fromkeys(("floor_divide", "remainder"), REAL),
    **dict.fromkeys(("equal", "not_equal"), (*REAL, "bool")),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal"), REAL),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), ("bool",)),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), (*INTEGRAL, "bool")),
    **dict.fromkeys(
        ("divide", "atan2", "hypot", "copysign", "nextafter", "logaddexp", "special.xlogy"),
        FLOATING,
    ),
    **dict.fromkeys(("clip_below", "clip_above"), FLOATING),
}
TERNARY = {"clip": FLOATING, "where": (*REAL, "bool")}
CASES = [
    (name, count, dtype)
    for count, table in ((1, UNARY), (2, BINARY), (3, TERNARY))
    for name, dtypes in table.items()
    for dtype in dtypes
]
CASTS = list(itertools.permutations((*REAL, "bool"), 2))


def values(dtype):
    """Ordinary numbers, and those at the borders of a data type."""
    if dtype == "bool":
        return np.array([True, False])
    if dtype in INTEGRAL:
        bounds = np.iinfo(dtype)
        some = [0, 1, 2, 3, 5, 7, 100, bounds.max, bounds.max - 1, bounds.min, bounds.min + 1]
        return np.array(some + ([-1, -2, -3, -7, -100] if bounds.min else []), dtype=dtype)
    small = np.finfo(dtype).tiny
    some = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.5, 3.5, 1e-3, -0.3, 17.0, -40.0, 1e30, small]
    return np.array([*some, np.inf, -np.inf, np.nan], dtype=dtype)


def operands(name, count, dtype):
    """All pairs, or triples, of values; where `name` has rules for fewer, those."""
    columns = [values(dtype)] * count
    if name == "where":
        columns[0] = values("bool")
    if name == "clip":
        columns[1:] = [np.array([-1.0, 0.0], dtype), np.array([0.5, np.nan, 2.0], dtype)]
    if name == "pow" and dtype in INTEGRAL:
        columns[1] = np.array([0, 1, 2, 3, 7], dtype)
    grids = np.meshgrid(*columns, indexing="ij")
    return [np.ascontiguousarray(grid.ravel()) for grid in grids]


def expected(name, given):
    """What NumPy gives, but for what CuPy has its own rule for."""
    dtype = given[0].dtype
    if dtype.kind == "f" and name == "floor_divide":
        return np.floor(given[0] / given[1])
    if dtype.kind == "f" and name == "remainder":
        return given[0] - np.floor(given[0] / given[1]) * given[1]
    return primitives[name].kernel_of(adapter_named("numpy"))(*given)


def instruction_of(name, given, out, params=()):
    """The operation on variables, and their kinds."""
    variables = (A, B, C)[: len(given)]
    kinds = {
        v: Kind(x.shape, x.dtype) for v, x in zip((*variables, OUT), (*given, out), strict=True)
    }
    return Instruction(primitives[name], variables, dict(params), (OUT,)), kinds


def function_of(label, instruction, kinds):
    """The C++ of a function that carries the operation out on arrays."""
    out = written.ctype(kinds[OUT].dtype)
    given = [f"const {written.ctype(kinds[v].dtype)}* {NAMES[v]}p" for v in instruction.operands]
    names = [
        f"const {written.ctype(kinds[v].dtype)} {NAMES[v]} = {NAMES[v]}p[i];"
        for v in instruction.operands
    ]
    return (
        f'extern "C" void {label}(long size, {", ".join(given)}, {out}* out_) {{\n'
        f"for (long i = 0; i < size; i++) {{ {' '.join(names)} "
        f"out_[i] = {written.expression(instruction, kinds, NAMES)}; }} }}"
    )


def label_of(*parts):
    return "_".join(parts).replace(".", "_")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """One library with a function for each case."""
    needs_compiler()
    functions, results = [], {}
    with np.errstate(all="ignore"):
        for name, count, dtype in CASES:
            given = operands(name, count, dtype)
            out = np.asarray(expected(name, given))
            instruction, kinds = instruction_of(name, given, out)
            assert written.expressible(instruction, kinds), (name, dtype)
            label = label_of(name, dtype)
            functions.append(function_of(label, instruction, kinds))
            results[label] = (given, out)
        for source, target in CASTS:
            given = [values(source)]
            if source in FLOATING and target in INTEGRAL:
                given = [np.array([0.0, 1.0, 2.75, 100.5], source)]
            out = given[0].astype(target)
            instruction, kinds = instruction_of("astype", given, out, {"dtype": np.dtype(target)})
            label = label_of("astype", source, target)
            functions.append(function_of(label, instruction, kinds))
            results[label] = (given, out)
    library = build("\n".join([written.PREAMBLE, *functions]), tmp_path_factory.mktemp("kernels"))
    return library, results


def computed(compiled, label):
    library, results = compiled
    given, wanted = results[label]
    out = np.empty(wanted.shape, wanted.dtype)
    getattr(library, label)(ctypes.c_long(out.size), *pointers([*given, out]))
    return given, out, wanted


@pytest.mark.parametrize(("name", "count", "dtype"), CASES)
def test_the_expression_gives_what_numpy_gives(compiled, name, count, dtype):
    given, out, wanted = computed(compiled, label_of(name, dtype))
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(out, wanted, err_msg=str(given))
        return
    precision = np.finfo(wanted.dtype).eps
    near, least = (64, np.finfo(wanted.dtype).tiny) if name.startswith("special.") else (8, 0)
    np.testing.assert_allclose(out, wanted, rtol=near * precision, atol=least, err_msg=str(given))


@pytest.mark.parametrize(("source", "target"), CASTS)
def test_a_cast_gives_what_numpy_gives(compiled, source, target):
    given, out, wanted = computed(compiled, label_of("astype", source, target))
    np.testing.assert_array_equal(out, wanted, err_msg=str(given))


EXACT = [
    *("add", "subtract", "multiply", "divide", "maximum", "minimum"),
    *("negative", "abs", "sign", "where", "clip", "copysign"),
]


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("name", EXACT)
def test_zeros_keep_their_sign_as_in_numpy(compiled, name, dtype):
    given, out, wanted = computed(compiled, label_of(name, dtype))
    sure = ~np.isnan(wanted)
    if name in ("maximum", "minimum", "clip"):
        sure &= wanted != 0  # either zero is the larger one
    np.testing.assert_array_equal(np.signbit(out[sure]), np.signbit(wanted[sure]), str(given))


@pytest.mark.parametrize("dtype", SIGNED)
def test_a_negative_power_of_an_integer_is_rounded_towards_zero(tmp_path, dtype):
    needs_compiler()
    a = np.array([0, 1, -1, -1, 2, -3], dtype)
    b = np.array([-1, -2, -3, -2, -1, -2], dtype)
    instruction, kinds = instruction_of("pow", [a, b], a)
    library = build(written.PREAMBLE + function_of("power", instruction, kinds), tmp_path)
    out = np.empty_like(a)
    library.power(ctypes.c_long(a.size), *pointers([a, b, out]))
    assert out.tolist() == [0, 1, -1, 1, 0, 0]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        *[(bound, t) for t in INTEGRAL for bound in (np.iinfo(t).min, np.iinfo(t).max)],
        *[(x, t) for t in FLOATING for x in (0.1, -2, 1e-300, 3e38, np.inf, -np.inf, np.nan)],
        (True, "bool"),
        (False, "bool"),
        (True, "int32"),
        (True, "float64"),
    ],
)
def test_a_number_is_written_as_it_is(tmp_path, value, dtype):
    needs_compiler()
    value = int(value) if isinstance(value, np.integer) else value
    kind = written.ctype(dtype)
    source = f'extern "C" void number({kind}* out) {{ *out = {written.literal(value, dtype)}; }}'
    out = np.empty((), dtype)
    build(source, tmp_path).number(*pointers([out]))
    np.testing.assert_array_equal(out, np.asarray(value).astype(dtype))


def refuses(name, operands_, params=(), out="float64"):
    """Whether the operation is left to the library."""
    variables = [v for v in operands_ if isinstance(v, Variable)]
    kinds = {
        v: Kind((2,), np.dtype(t)) for v, t in zip(variables, ("float64", "int64"), strict=False)
    }
    kinds[OUT] = Kind((2,), np.dtype(out))
    return not written.expressible(
        Instruction(primitives[name], tuple(operands_), dict(params), (OUT,)), kinds
    )


def test_what_kernels_cannot_say_is_left_to_the_library():
    assert refuses("less", (A, B), out="bool")  # mixed kinds
    assert refuses("add", (A, 1j), out="complex128")
    assert refuses("special.gammaln", (A,))
    assert refuses("sum", (A,), {"axis": (0,), "keepdims": False})
    assert not refuses("add", (A, 1))


@pytest.mark.parametrize("dtype", ["float16", "complex64", "complex128"])
def test_data_types_without_a_name_in_c_are_left_to_the_library(dtype):
    kinds = {v: Kind((2,), np.dtype(dtype)) for v in (A, OUT)}
    assert not written.expressible(Instruction(primitives["exp"], (A,), {}, (OUT,)), kinds)


def test_a_number_beyond_the_data_type_is_left_to_the_library():
    kinds = {A: Kind((2,), np.dtype("uint8")), OUT: Kind((2,), np.dtype("bool"))}
    instruction = Instruction(primitives["less"], (A, 300), {}, (OUT,))
    assert not written.expressible(instruction, kinds)


def test_every_operation_that_is_written_is_a_primitive():
    tables = [*written._OF_RESULT.values(), written._OF_OPERANDS, written._OF_FLOATING]
    assert {name for table in tables for name in table} <= set(primitives)
