"""The generator for CuPy, on a device that is the host: kernels, graphs, and their memory."""

import gc
import threading
from dataclasses import replace

import fake_device
import numpy as np
import pytest
from fake_device import device, on_device

import xad

rng = np.random.default_rng(0)
X, Y, W = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
B = rng.standard_normal(3)
ROWS = [rng.standard_normal(n) for n in (2, 3, 4, 5, 6, 7)]


def updates(*rows):
    """Several kernels, of a shape each, with one small argument and result: a graph."""
    x = rows[0]
    total = 0
    for n in range(2, 6):
        y = xad.broadcast_to(x[:1], (n,)) * n
        total = total + xad.sum(xad.exp(y) * y)[None]
    return [x + total]


# ---- kernels --------------------------------------------------------------------------------


def test_a_chain_is_one_kernel(cupy_program):
    p = cupy_program(lambda x, y: xad.exp(x * y + 1) / y, X, Y)
    p.agrees(X, Y)
    assert device.calls == ["xad_multiply_add_exp_divide"]


def test_a_sum_that_ends_a_chain_is_in_its_kernel(cupy_program):
    p = cupy_program(lambda x, y: xad.mean((x - y) ** 2, axis=0), X, Y)
    p.agrees(X, Y)
    assert device.calls == ["xad_subtract_pow_mean"]


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min"])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_every_reduction_gives_what_numpy_gives(cupy_program, name, axis, keepdims):
    reduce = getattr(xad, name)
    p = cupy_program(lambda x: reduce(x * 2, axis=axis, keepdims=keepdims), X)
    p.agrees(X)
    assert device.calls == [f"xad_multiply_{name}"]


@pytest.mark.parametrize("name", ["max", "min"])
def test_an_extreme_of_a_chain_is_nan_where_an_element_is(cupy_program, name):
    x = X.copy()
    x[1, 1] = np.nan
    cupy_program(lambda x: getattr(xad, name)(x * 2, axis=0), x).agrees(x)


@pytest.mark.parametrize("name", ["any", "all"])
def test_truth_values_are_reduced_in_the_kernel(cupy_program, name):
    p = cupy_program(lambda x: getattr(xad, name)(x > 0.3, axis=0), X)
    p.agrees(X)
    assert device.calls == [f"xad_greater_{name}"]


def test_a_long_chain_of_which_little_is_left_is_summed_by_the_library(cupy_program):
    x = rng.standard_normal(1 << 15)
    p = cupy_program(lambda x: xad.sum(x * x), x)
    p.agrees(x)
    assert device.calls == ["xad_multiply", "sum"]


def test_the_sum_of_a_layer_joins_what_follows(cupy_program):
    p = cupy_program(lambda x, w, b: xad.special.relu(xad.special.affine(x, w, b)), X, W, B)
    p.agrees(X, W, B)
    assert device.calls == ["matmul", "xad_add_special_relu"]


def test_a_result_that_only_says_how_far_to_broadcast_is_made_before(cupy_program):
    p = cupy_program(lambda b: xad.broadcast_to(b, (4, 3)) * 2 + 1, B)
    p.agrees(B)
    q = cupy_program(lambda b: xad.sum(xad.broadcast_to(b, (4, 3)), axis=1), B)
    q.agrees(B)


def test_data_types_without_kernels_are_left_to_the_library(cupy_program):
    z = X + 1j * Y
    cupy_program(lambda z: xad.real(xad.exp(z) * z), z).agrees(z)
    x = X.astype(np.float16)
    cupy_program(lambda x: x * 2 + x, x).agrees(x)


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint8])
def test_numbers_take_the_data_type_of_the_array(cupy_program, dtype):
    x = np.asarray([1, 2, 250], dtype)
    cupy_program(lambda x: x * 2 + 5, x).agrees(x)


def test_arguments_may_be_results(cupy_program):
    cupy_program(lambda x: [x + 1, x], X).agrees(X, calls=3)
    cupy_program(lambda x: [*updates(x), x], ROWS[0]).agrees(ROWS[0], calls=3)


def test_constants_are_read_where_they_are(cupy_program):
    cupy_program(lambda x: x * Y + Y, X).agrees(X, calls=3)


def test_a_step_of_training_gives_what_numpy_gives(cupy_program):
    def step(w, b, x, y):
        def loss(w, b):
            return xad.mean((xad.special.relu(xad.special.affine(x, w, b)) - y) ** 2)

        value, (g, h) = xad.value_and_grad(loss, argnums=(0, 1))(w, b)
        return value, w - 0.1 * g, b - 0.1 * h

    p = cupy_program(step, W, B, X, Y)
    p.agrees(W, B, X, Y, calls=3)
    assert device.launches == []  # between products there is too little for graphs
    assert len(device.calls) < 3 * len(p.plain.instructions)


def test_memory_is_given_back_when_it_is_not_needed_any_longer(cupy_program):
    def f(x, w):
        for _ in range(6):
            x = xad.sin(x @ w)
        return x

    x, w = X.repeat(1000, 0), np.eye(3) * 0.5
    p = cupy_program(f, x, w)
    arguments = [on_device(x), on_device(w)]
    sizes = [memory.bytes.size for memory in device.pool.memories]
    p(*arguments)
    more = [memory.bytes.size for memory in device.pool.memories[len(sizes) :]]
    assert more.count(x.nbytes) <= 3


# ---- graphs ---------------------------------------------------------------------------------


def test_the_first_call_compiles_and_the_second_makes_the_graph(cupy_program):
    p = cupy_program(updates, ROWS[0])
    p.agrees(ROWS[0])
    assert device.launches == []
    p.agrees(ROWS[0])
    assert len(device.launches) == 1
    device.calls.clear()
    p.agrees(ROWS[0] + 1)
    assert len(device.launches) == 2
    assert device.calls == ["copyto", "copy"]  # the argument in, the result out


def test_results_are_not_overwritten_by_the_next_call(cupy_program):
    p = cupy_program(updates, ROWS[0])
    rows = [ROWS[0] + shift for shift in range(5)]
    kept = [(p(on_device(row))[0], p.wanted(row)[0]) for row in rows]
    for x, y in kept:
        np.testing.assert_allclose(x.get(), y, rtol=1e-12)


def test_arguments_are_not_written_to(cupy_program):
    p = cupy_program(updates, ROWS[0])
    x = on_device(ROWS[0])
    for _ in range(4):
        p(x)
    np.testing.assert_array_equal(x.get(), ROWS[0])


def test_memory_that_others_give_back_is_not_the_graphs(cupy_program):
    p = cupy_program(updates, ROWS[0])
    for shift in range(6):
        noise = [on_device(rng.standard_normal(n)) for n in range(1, 9)]
        p.agrees(ROWS[0] + shift)
        del noise
        gc.collect()


def test_arguments_that_do_not_lie_in_order_are_read_in_order(cupy_program):
    p = cupy_program(lambda x: updates(x[0]), X)
    for _ in range(3):
        x = fake_device.run("permute_dims", lambda v: v.T, on_device(np.ascontiguousarray(X.T)))
        assert not x.flags.c_contiguous
        np.testing.assert_allclose(p(x)[0].get(), p.wanted(X)[0], rtol=1e-12)


def with_products(x, w):
    """A product before the graph, one within, and one after it."""
    (y,) = updates((x @ w)[0])
    (z,) = updates((y * w)[0])
    return [y, z @ w]


def test_products_are_called_between_graphs(cupy_program):
    p = cupy_program(with_products, X, W)
    p.agrees(X, W, calls=4)
    assert len(device.launches) >= 3
    assert device.calls.count("matmul") == 2 * 4


def test_what_cannot_be_captured_is_called_as_it_is(cupy_program, monkeypatch):
    # Say that products can be captured: the device refuses, and the program goes on without.
    from xad.programs.cupy import source

    monkeypatch.setattr(source, "_CAPTURABLE", source._CAPTURABLE | {"matmul"})
    p = cupy_program(with_products, X, W)
    p.agrees(X, W, calls=4)
    assert device.launches == []
    assert isinstance(p.compiled.run.refusal, NotImplementedError)
    assert device.capturing is None
    assert device.stream is device.null


def test_a_full_device_is_no_reason_to_fail(cupy_program):
    p = cupy_program(updates, ROWS[0])
    p.agrees(ROWS[0])
    x = on_device(ROWS[0])
    device.free_bytes = 0
    (out,) = p(x)
    np.testing.assert_allclose(out.get(), p.wanted(ROWS[0])[0], rtol=1e-12)
    assert isinstance(p.compiled.run.refusal, MemoryError)


def test_an_error_in_a_call_leaves_the_program_as_it_was(cupy_program, monkeypatch):
    p = cupy_program(with_products, X, W)
    p.agrees(X, W)
    broken = [True]
    original = fake_device.run

    def fails_once(name, *arguments, **options):
        if name == "matmul" and broken:
            broken.pop()
            raise ArithmeticError("no luck")
        return original(name, *arguments, **options)

    monkeypatch.setattr(fake_device, "run", fails_once)
    with pytest.raises(ArithmeticError, match="no luck"):
        p(on_device(X), on_device(W))
    p.agrees(X, W, calls=3)
    assert device.launches


def test_a_program_called_while_another_is_captured_joins_it(cupy_program):
    p = cupy_program(updates, ROWS[0])
    p.agrees(ROWS[0], calls=2)
    before = len(device.launches)
    x = on_device(ROWS[0])
    with fake_device.new_stream(non_blocking=True) as stream:
        stream.begin_capture()
        (out,) = p(x)
        graph = stream.end_capture()
    assert len(device.launches) == before
    graph.launch(device.null)
    np.testing.assert_allclose(out.get(), p.wanted(ROWS[0])[0], rtol=1e-12)


def test_another_stream_waits_for_the_one_before(cupy_program):
    p = cupy_program(updates, ROWS[0])
    p.agrees(ROWS[0], calls=2)
    with fake_device.new_stream(non_blocking=True) as stream:
        p.agrees(ROWS[0])
        p.agrees(ROWS[0])
    assert stream.waited_for == [("event", device.null.ptr)]


def test_calls_in_threads_do_not_share_memory(cupy_program):
    p = cupy_program(updates, ROWS[0])
    p.agrees(ROWS[0])
    run = p.compiled.run
    arguments = [on_device(ROWS[0])]
    first = run._take(arguments)
    taken = []

    def other():
        taken.append(run._take(arguments))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert first is not None
    assert taken[0] is not None
    assert taken[0] is not first
    more = [run._take(arguments) for _ in range(3)]
    assert more[-1] is None  # as many as there may be are under way: without a graph, then
    p.agrees(ROWS[0])
    first.lock.release()
    assert run._take(arguments) is first


def test_the_adapter_of_cupy_leads_to_this_generator(cupy_program, monkeypatch):
    from xad.programs import generate

    seen = []
    monkeypatch.setattr(generate, "compile_cupy", lambda *given: seen.append(given) or "made")
    p = cupy_program(lambda x: x + 1, X)
    listing = replace(p.plain, adapter=fake_device.FakeAdapter("fake_cupy_module"))
    assert generate.generate(listing, frozenset({0})) == "made"
    assert seen == [(listing, frozenset({0}))]
