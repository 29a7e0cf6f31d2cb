"""Programs in files: they come back the same, run on any library, and bad files are refused."""

import dataclasses
import json
import subprocess
import sys
import zipfile
from typing import Any, NamedTuple

import numpy as np
import pytest

import xad
from xad import extend, nn, tree
from xad.errors import BackendError, ProgramError, ShapeError, TreeError
from xad.ops.declare import primitives
from xad.testing import place
from xad.testing.calls import DOUBLE, KINDS, assert_same, calls, random_like
from xad.testing.database import op_database

EVERY = [info for info in op_database.values() if not info.data_dependent]


@pytest.fixture
def again(tmp_path):
    """A program after it has been in a file."""

    def again(program):
        path = tmp_path / "program.zip"
        program.save(path)
        return xad.load_program(path)

    return again


def changed(path, change):
    """Write the file again with its document changed, or with other bytes in an entry."""
    with zipfile.ZipFile(path) as folder:
        entries = {name: folder.read(name) for name in folder.namelist()}
    document = json.loads(entries["program.json"])
    change(document, entries)
    if entries.get("program.json") is not None:
        entries["program.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w") as folder:
        for name, data in entries.items():
            if data is not None:
                folder.writestr(name, data)


# ---- every operation ----------------------------------------------------------------------------


@pytest.mark.parametrize("info", EVERY, ids=lambda info: info.name)
def test_a_loaded_program_gives_the_same_bits(info, here, again):
    for call in list(calls(info, here, KINDS[info.kinds[0]][0]))[:4]:
        program = xad.make_program(call.outputs)(*call.operands)
        loaded = again(program)
        assert str(loaded) == str(program) or here.adapter.name != "numpy"
        expected = program(*call.operands)
        for x, y in zip(loaded(*call.operands), expected, strict=True):
            assert here.to_host(x).dtype == here.to_host(y).dtype
            np.testing.assert_array_equal(here.to_host(x), here.to_host(y), strict=True)


@pytest.mark.parametrize(
    "info", [info for info in EVERY if info.differentiable], ids=lambda info: info.name
)
def test_a_loaded_gradient_gives_the_same_bits(info, here, again):
    for call in list(calls(info, here, DOUBLE[info.differentiable[0]]))[:2]:
        if not call.moving:
            continue

        def gradient(*operands, call=call):
            _, pullback = xad.vjp(lambda *xs: call.of_outputs(xs), *operands)
            random = np.random.default_rng(1)
            return pullback(tuple(random_like(y, here, random) for y in call.outputs(*operands)))

        if len(call.moving) != len(call.operands):
            continue
        program = xad.make_program(gradient)(*call.operands)
        assert_same(again(program)(*call.operands), program(*call.operands), 0.0, call)


# ---- values and structures ----------------------------------------------------------------------


def test_numbers_that_json_lacks_come_back(here, again):
    def f(x):
        return xad.where(x > 0, x, float("inf")), x + float("nan"), -0.0 * x, x * 2.5, x - 10**15

    x = here.array([1.0, -1.0])
    program = xad.make_program(f)(x)
    loaded = again(program)
    assert [repr(x) for step in loaded.instructions for x in step.operands] == [
        repr(x) for step in program.instructions for x in step.operands
    ]
    for got, expected in zip(loaded(x), program(x), strict=True):
        np.testing.assert_array_equal(here.to_host(got), here.to_host(expected))


def test_complex_numbers_come_back(again):
    x = np.asarray([1.0 + 2.0j])
    assert again(xad.make_program(lambda x: x * (0.5 - 1e300j) - float("inf"))(x))(x) == (
        x * (0.5 - 1e300j) - float("inf")
    )


def test_keys_with_slices_and_arrays_come_back(here, again):
    x = here.array(np.arange(24.0).reshape(4, 6))
    rows = here.array(np.asarray([0, 3, 1]))

    def f(x, rows):
        return x[1:, ::2], x[::-1, 2], x[..., None, -1], x[rows], x[rows, 1:3], x[rows, rows]

    program = xad.make_program(f)(x, rows)
    for got, expected in zip(again(program)(x, rows), f(xad.asarray(x), rows), strict=True):
        np.testing.assert_array_equal(here.to_host(got), here.to_host(expected), strict=True)


def test_assignments_come_back(here, again, close):
    def f(x, v):
        y = x + 0
        y[1:] = v
        y[0] += 2.0
        return xad.at(y)[here.array(np.asarray([0, 0]))].add(v)

    x, v = here.array([1.0, 2.0, 3.0]), here.array([5.0, 7.0])
    close(again(xad.make_program(f)(x, v))(x, v), here.to_host(f(x, v)))


def test_second_derivatives_behind_where_come_back(here, again, close):
    def f(x):
        return xad.sum(xad.where(x > 0, x**1.5, 0.0))

    x = here.array([4.0, 0.0])
    program = xad.make_program(xad.grad(lambda x: xad.sum(xad.grad(f)(x))))(x)
    assert "arriving" in str(program)
    close(again(program)(x), [0.375, 0.0])


class Pair(NamedTuple):
    zeta: Any
    alpha: Any


@dataclasses.dataclass
class Scaled:
    weight: Any
    bias: Any
    function: Any = tree.static(default=xad.special.relu)
    rate: float = tree.static(default=0.5)


def test_dicts_come_back_in_their_order(here, again):
    def f(t):
        return {"b": t["z"], "a": {3: t["y"], 2: t["z"]}}

    z, y = here.array(1.0), here.array(2.0)
    program = again(xad.make_program(f)({"z": z, "y": y}))
    for given in ({"z": z, "y": y}, {"y": y, "z": z}):
        got = program(given)
        assert [*got, *got["a"]] == ["b", "a", 3, 2]
        assert [float(x) for x in (got["b"], got["a"][3], got["a"][2])] == [1.0, 2.0, 1.0]


def test_nan_in_a_static_field_comes_back(here, again):
    x = here.array([1.0, 2.0])
    program = xad.make_program(lambda m: m.weight * 2)(Scaled(x, None, rate=float("nan")))
    for p in (program, again(program)):
        got = here.to_host(p(Scaled(x, None, rate=float("nan"))))
        np.testing.assert_array_equal(got, [2.0, 4.0])
        with pytest.raises(TreeError):
            p(Scaled(x, None, rate=0.0))


def test_extended_precision_comes_back(again):
    x = np.ones(2, np.longdouble)
    program = xad.make_program(lambda x: x * x * np.ones(2, np.longdouble))(x)
    got = again(program)(x)
    np.testing.assert_array_equal(got, x, strict=True)


def test_constants_without_elements_come_back(here, again):
    empty = here.array(np.ones((0, 3)))
    program = xad.make_program(lambda x: (x * 2, empty))(here.array([1.0]))
    assert tuple(again(program)(here.array([1.0]))[1].shape) == (0, 3)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: {"b": [x, (x, None)], "a": x, ("k", 1): {}},
        lambda x: {3: x, 1: x, None: (), 2.5: x},
        lambda x: Pair([x], Pair(x, None)),
        lambda x: Scaled(x, None),
        lambda x: nn.Sequential(nn.Dense(x, x), nn.relu),
        lambda x: (),
        lambda x: None,
    ],
)
def test_structures_come_back(build, here, again):
    x = here.array([[1.0, 2.0], [3.0, 4.0]])
    program = xad.make_program(lambda t, x: tree.map(lambda y: y * x, t))(build(x), x)
    got = again(program)(build(x), x)
    assert tree.structure(got) == tree.structure(build(x))
    assert all(np.array_equal(here.to_host(y), here.to_host(x * x)) for y in tree.leaves(got))


def test_a_class_that_is_not_there_becomes_a_dict(here, tmp_path):
    def f(pair, scaled):
        return Pair(pair.zeta - pair.alpha, scaled.weight - scaled.bias)

    a, b, c, d = (here.array(float(i)) for i in (10, 7, 5, 1))
    xad.make_program(f)(Pair(a, b), Scaled(c, d)).save(tmp_path / "p")

    def forget(document, entries):
        text = json.dumps(document).replace(f"{__name__}:", "no_such_module:")
        document.update(json.loads(text))

    changed(tmp_path / "p", forget)
    program = xad.load_program(tmp_path / "p")
    assert "no_such_module" not in sys.modules
    got = program({"alpha": b, "zeta": a}, {"bias": d, "weight": c})
    assert (float(got["zeta"]), float(got["alpha"])) == (3.0, 4.0)
    with pytest.raises(TreeError):
        program(Pair(a, b), Scaled(c, d))


def test_a_class_with_other_fields_now_becomes_a_dict(here, tmp_path):
    xad.make_program(lambda p: p.zeta)(Pair(here.array(1.0), here.array(2.0))).save(tmp_path / "p")

    def rename(document, entries):
        document["arguments"]["tuple"][0]["fields"][0][0] = "beta"

    changed(tmp_path / "p", rename)
    got = xad.load_program(tmp_path / "p")({"alpha": here.array(2.0), "beta": here.array(1.0)})
    assert float(got) == 1.0


def test_a_static_field_that_no_file_holds_makes_its_object_a_dict(here, again):
    scaled = Scaled(here.array(2.0), here.array(1.0), function=lambda x: x)
    program = again(xad.make_program(lambda s: s.weight - s.bias)(scaled))
    assert float(program({"weight": here.array(5.0), "bias": here.array(3.0)})) == 2.0


@pytest.mark.parametrize(
    "path", ["os:system", "builtins:eval", "xad.__main__:main", "antigravity:x", "xad.nn:load", ""]
)
def test_only_classes_with_these_fields_are_taken(path, here, tmp_path):
    xad.make_program(lambda p: p.zeta)(Pair(here.array(1.0), here.array(2.0))).save(tmp_path / "p")

    def point_elsewhere(document, entries):
        document["arguments"]["tuple"][0]["class"] = path

    changed(tmp_path / "p", point_elsewhere)
    program = xad.load_program(tmp_path / "p")
    assert "antigravity" not in sys.modules
    assert float(program({"alpha": here.array(2.0), "zeta": here.array(1.0)})) == 1.0


# ---- other libraries ----------------------------------------------------------------------------

WEIGHT = np.asarray([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def network(weight):
    """Operations with data types, keys and devices among their parameters."""

    def f(x):
        y = xad.tanh(x @ weight)
        mask = xad.astype(y > 0, y.dtype)
        z = xad.sum(y * mask, axis=1, dtype=y.dtype) + y[:, 1]
        return {
            "z": z * xad.astype(xad.argmax(y, axis=1), y.dtype),
            "gradient": xad.grad(lambda w: xad.sum(xad.tanh(x @ w)[..., :2]))(weight),
        }

    return f


def test_a_program_runs_on_another_library(everywhere, close):
    numpy = place("numpy")
    x = np.asarray([[1.0, 2.0], [-3.0, 0.5]])
    program = xad.make_program(network(WEIGHT))(x)
    expected = program(x)
    if everywhere.precision != "float64":
        pytest.skip("the device has no float64, which the program is for")
    for _ in range(2):
        got = program(everywhere.array(x))
        for name in ("z", "gradient"):
            assert everywhere.adapter.device_of(got[name]) == everywhere.device
            np.testing.assert_allclose(everywhere.to_host(got[name]), expected[name], rtol=1e-12)
    np.testing.assert_array_equal(program(numpy.array(x))["z"], expected["z"])


def test_a_program_of_any_library_runs_on_numpy(everywhere, again):
    x = np.asarray([[1.0, 2.0], [-3.0, 0.5]])
    program = xad.make_program(network(everywhere.array(WEIGHT)))(everywhere.array(x))
    loaded = again(program)
    expected = {key: everywhere.to_host(y) for key, y in program(everywhere.array(x)).items()}
    got = loaded(x.astype(everywhere.to_host(everywhere.array(x)).dtype))
    for key, y in got.items():
        assert type(y) is np.ndarray
        np.testing.assert_allclose(y, expected[key], rtol=10 * everywhere.tolerance)


def test_constants_are_brought_to_a_library_once(strict_device, again):
    x = np.asarray([[1.0, 2.0]])
    program = again(xad.make_program(lambda x: x @ WEIGHT)(x))
    first = program._listing_for(strict_device.array(x))
    assert program._listing_for(strict_device.array(x)) is first
    assert first.adapter is strict_device.adapter
    assert program._listing_for(x) is program.listing


def test_tensors_in_tensors_out_and_gradients_flow_through(here, again, close):
    program = again(xad.make_program(lambda x: xad.sum(xad.sin(x) * x))(here.array([0.5, 2.0])))
    x = xad.asarray(here.array([0.5, 2.0]), requires_grad=True)
    program(x).backward()
    close(x.grad, np.sin([0.5, 2.0]) + np.asarray([0.5, 2.0]) * np.cos([0.5, 2.0]))
    close(xad.jit(program)(here.array([1.0, 0.0])), np.sin(1.0))


def test_moves_between_devices_are_left_out(strict_device, again):
    x = strict_device.array([1.0, 2.0])

    def f(x):
        return xad.asarray(x).to_device("CPU_DEVICE") * 2

    program = again(xad.make_program(lambda x: f(x))(x))
    got = program(x)
    assert strict_device.adapter.device_of(got) == strict_device.device
    np.testing.assert_array_equal(program(np.asarray([1.0, 2.0])), [2.0, 4.0])


def test_the_data_type_and_shape_are_still_asked_for(strict_device, again):
    program = again(xad.make_program(lambda x: x * 2)(np.asarray([1.0, 2.0])))
    with pytest.raises(ShapeError, match=r"expected float64\[2\].* got float64\[3\]"):
        program(strict_device.array([1.0, 2.0, 3.0]))
    with pytest.raises(ShapeError, match=r"expected float64\[2\].* got int64\[2\]"):
        program(strict_device.array(np.asarray([1, 2])))


def test_a_data_type_that_a_library_lacks_is_named(strict_device):
    program = xad.make_program(lambda x: xad.astype(x, np.float16))(np.asarray([1.0]))
    with pytest.raises(BackendError, match="array_api_strict has no data type 'float16'"):
        program(strict_device.array([1.0]))


def test_a_fresh_process_with_numpy_alone_runs_it(tmp_path, monkeypatch):
    for name in ("XAD_BACKEND", "XAD_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    model = nn.mlp(4, 5, 2, rng=0)
    x, y = np.ones((3, 4), np.float32), np.asarray([0, 1, 1])

    def loss(model, x):
        return xad.mean(xad.special.softmax_cross_entropy(model(x), y))

    gradient = xad.make_program(xad.grad(loss, argnums=1))(model, x)
    gradient.save(tmp_path / "gradient.zip")
    np.savez(tmp_path / "w.npz", *[np.asarray(w) for w in tree.leaves(model)])
    code = """
import sys, numpy as np, xad
program = xad.load_program(sys.argv[1])
weights = np.load(sys.argv[2])
from xad import extend, nn, tree
model = tree.unflatten(tree.structure(nn.mlp(4, 5, 2, rng=1)), list(weights.values()))
print(program(model, np.ones((3, 4), np.float32)).tolist())
assert not {"torch", "scipy", "jax", "array_api_strict"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "gradient.zip"), str(tmp_path / "w.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(json.loads(done.stdout), np.asarray(gradient(model, x)))


# ---- what cannot be saved -----------------------------------------------------------------------


def test_functions_with_rules_of_their_own_are_refused(here, tmp_path):
    f = xad.custom_jvp(lambda x: x * 2)
    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0] * 2))
    program = xad.make_program(f)(here.array(1.0))
    (tmp_path / "p").write_bytes(b"older")
    with pytest.raises(
        ProgramError, match=r"expected operations that have a name, got .* rule of its own"
    ):
        program.save(tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_constants_of_a_transformation_around_are_refused(here, tmp_path):
    def f(x):
        xad.make_program(lambda y: x * y)(here.array(1.0)).save(tmp_path / "p")
        return x

    with pytest.raises(ProgramError, match="belongs to a transformation around"):
        xad.vmap(f)(here.array([1.0, 2.0]))


def test_tensors_that_require_gradients_are_saved_as_their_values(here, again, close):
    w = xad.asarray(here.array([2.0, 3.0]), requires_grad=True)
    close(
        again(xad.make_program(lambda x: w * x)(here.array([1.0, 1.0])))(here.array([5.0, 7.0])),
        [10, 21],
    )


@pytest.mark.parametrize("key", [frozenset({1}), np.longdouble(2.0)], ids=["set", "longdouble"])
def test_keys_of_other_kinds_are_refused(key, here, tmp_path):
    program = xad.make_program(lambda t: t)({key: here.array(1.0)})
    with pytest.raises(ProgramError, match="expected strings, numbers and tuples"):
        program.save(tmp_path / "p")


# ---- bad files ----------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """A file with a program that has a constant, a parameter, and two results."""

    def f(x):
        y = xad.sum(xad.sin(x) * np.asarray([1.0, 2.0]), axis=0)
        return {"y": y, "z": x * 2.0}

    xad.make_program(f)(np.asarray([1.0, 2.0])).save(tmp_path / "p.zip")
    return tmp_path / "p.zip"


def at(document, *path):
    for step in path:
        document = document[step]
    return document


DAMAGE = {
    "no format": lambda d, e: d.pop("format"),
    "another format": lambda d, e: d.update(format="recipe"),
    "an early format": lambda d, e: d.update(version=0),
    "a version in words": lambda d, e: d.update(version="1"),
    "no name": lambda d, e: d.pop("name"),
    "a name that is none": lambda d, e: d.update(name="f(): import os\n"),
    "no instructions": lambda d, e: d.pop("instructions"),
    "instructions that are none": lambda d, e: d.update(instructions=[1]),
    "no operation": lambda d, e: at(d, "instructions", 0).pop("operation"),
    "an unknown variable": lambda d, e: at(d, "instructions", 0).update(
        operands=[{"variable": 99}]
    ),
    "a variable before its time": lambda d, e: d["instructions"].reverse(),
    "a variable written twice": lambda d, e: d["instructions"].append(d["instructions"][0]),
    "a text as operand": lambda d, e: at(d, "instructions", 0).update(operands=["x"]),
    "an unknown value": lambda d, e: at(d, "instructions", 0).update(params={"a": {"call": "f"}}),
    "a data type that is none": lambda d, e: at(d, "instructions", 0).update(
        params={"a": {"dtype": "load"}}
    ),
    "a negative shape": lambda d, e: d["variables"].update({"0": ["float64", [-1]]}),
    "no variables": lambda d, e: d.update(variables={}),
    "one input too many": lambda d, e: d["inputs"].append(1),
    "an output too few": lambda d, e: d["outputs"].pop(),
    "a structure that is none": lambda d, e: d.update(arguments={"set": ["leaf"]}),
    "keys that cannot be keys": lambda d, e: d.update(
        results={"dict": [[["y"], "leaf"], ["z", "leaf"]]}
    ),
    "an order that is none": lambda d, e: d["results"].update(order=[0, 0]),
    "an order of flags": lambda d, e: d["results"].update(order=[False, True]),
    "no constant": lambda d, e: e.update({name: None for name in e if "npy" in name}),
    "a constant cut short": lambda d, e: e.update(
        {name: data[:-3] for name, data in e.items() if "npy" in name}
    ),
    "a constant of objects": lambda d, e: e.update(
        {name: data.replace(b"'<f8'", b"'|O' ") for name, data in e.items() if "npy" in name}
    ),
    "a constant of another shape": lambda d, e: e.update(
        {name: data.replace(b"(2,)", b"(1,)") for name, data in e.items() if "npy" in name}
    ),
    "a constant that claims to be large": lambda d, e: (
        d["variables"].update(
            {number: ["float64", [10**15]] for number in map(str, d["constants"])}
        ),
        e.update(
            {
                k: x.replace(b"(2,), }" + b" " * 13, b"(1000000000000000,), }")
                for k, x in e.items()
                if "npy" in k
            }
        ),
    ),
    "a constant that goes on": lambda d, e: e.update(
        {name: data + b"more" for name, data in e.items() if "npy" in name}
    ),
    "a constant of a late format": lambda d, e: e.update(
        {
            name: data.replace(b"NUMPY\x01", b"NUMPY\x03")
            for name, data in e.items()
            if "npy" in name
        }
    ),
    "inputs that are no whole numbers": lambda d, e: d.update(inputs=[0.0]),
    "inputs that are flags": lambda d, e: d.update(inputs=[False]),
    "results that are no whole numbers": lambda d, e: at(d, "instructions", -1).update(
        results=[float(i) for i in at(d, "instructions", -1, "results")]
    ),
    "operands that are no whole numbers": lambda d, e: at(d, "instructions", 0).update(
        operands=[{"variable": 0.0}]
    ),
    "outputs that are flags": lambda d, e: d.update(outputs=[{"variable": False}] * 2),
    "constants that are no whole numbers": lambda d, e: d.update(
        constants=[float(i) for i in d["constants"]]
    ),
    "a variable whose number is none": lambda d, e: d["variables"].update(
        {"true": d["variables"].pop("1")}
    ),
    "no document": lambda d, e: e.update({"program.json": None}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused(damage, saved):
    changed(saved, damage)
    with pytest.raises((ProgramError, BackendError), match=r"p\.zip: "):
        xad.load_program(saved)


def test_a_compressed_file_is_refused(saved):
    """A few bytes of it could stand for more than there is memory for."""
    with zipfile.ZipFile(saved) as folder:
        entries = {name: folder.read(name) for name in folder.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, data in entries.items():
            folder.writestr(name, data)
    with pytest.raises(ProgramError, match="expected entries without compression"):
        xad.load_program(saved)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "NaN", '{"format": "xad program"', "[]", "\0"])
def test_a_document_that_is_no_program_is_refused(text, saved):
    with zipfile.ZipFile(saved, "w") as folder:
        folder.writestr("program.json", text)
    with pytest.raises(ProgramError, match=r"expected a program of format 1 .* save it again"):
        xad.load_program(saved)


def test_a_file_cut_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    for end in range(0, len(whole), 97):
        saved.write_bytes(whole[:end])
        with pytest.raises(ProgramError, match="expected a program of format 1"):
            xad.load_program(saved)


def test_flipped_bytes_are_noticed(saved):
    whole = saved.read_bytes()
    expected = xad.load_program(saved)(np.asarray([1.0, 2.0]))
    random = np.random.default_rng(0)
    for place_ in random.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[place_] ^= 1 << int(random.integers(8))
        saved.write_bytes(bytes(damaged))
        try:
            got = xad.load_program(saved)(np.asarray([1.0, 2.0]))
        except ProgramError:
            continue
        np.testing.assert_equal(got, expected)


def test_a_later_format_is_named(saved):
    changed(saved, lambda d, e: d.update(version=7, xad="9.0"))
    with pytest.raises(
        ProgramError, match=r"format 1 or earlier, got format 7, written by xad 9\.0"
    ):
        xad.load_program(saved)


def test_an_operation_of_another_version_is_named(saved):
    changed(saved, lambda d, e: at(d, "instructions", 0).update(operation="sinus"))
    with pytest.raises(ProgramError, match=r"p\.zip: expected an operation of xad .* 'sinus'"):
        xad.load_program(saved)


def test_an_operation_of_ones_own_is_saved_by_its_name(here, tmp_path, close, monkeypatch):
    @extend.elementwise(lambda x: 3 * x * x, name="cube_in_a_file")
    def cube(xp, x):
        return x * x * x

    xad.make_program(xad.vmap(cube))(here.array([2.0, 3.0])).save(tmp_path / "p")
    close(xad.load_program(tmp_path / "p")(here.array([1.0, -2.0])), [1.0, -8.0])
    monkeypatch.delitem(primitives, "cube_in_a_file")
    with pytest.raises(ProgramError, match=r"declared here with xad\.extend, got 'cube_in_a_file'"):
        xad.load_program(tmp_path / "p")


def test_another_kind_of_file_is_refused(tmp_path):
    np.savez(tmp_path / "p", a=np.ones(2))
    with pytest.raises(ProgramError, match="expected a program of format 1"):
        xad.load_program(tmp_path / "p.npz")
    with pytest.raises(FileNotFoundError):
        xad.load_program(tmp_path / "nowhere")


def test_the_same_program_makes_the_same_bytes(saved, tmp_path):
    xad.load_program(saved).save(tmp_path / "again")
    assert saved.read_bytes() == (tmp_path / "again").read_bytes()
