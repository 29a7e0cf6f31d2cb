"""Donated arguments of CuPy's programs: results that stay where they will be read."""

import gc

import fake_device
import numpy as np
from fake_device import device, on_device

import xad

ROW = np.random.default_rng(0).standard_normal(2)


def updates(*rows):
    """Several kernels, of a shape each, with one small argument and result: a graph."""
    x = rows[0]
    total = 0
    for n in range(2, 6):
        y = xad.broadcast_to(x[:1], (n,)) * n
        total = total + xad.sum(xad.exp(y) * y)[None]
    return [x + total]


def step(x, shift):
    """Takes the place of its first argument."""
    (y,) = updates(x)
    return [y + shift, xad.sum(y)]


def donating(cupy_program):
    return cupy_program(step, ROW, ROW, donated=(0,))


def follow(p, x, shifts):
    """What comes of donating each result again: on the device, and for NumPy."""
    here, there = on_device(x), x
    for shift in shifts:
        here, _ = p(here, on_device(shift))
        there = p.wanted(there, shift)[0]
    return here, there


SMALL = ROW * 1e-3


def test_a_donated_result_given_again_is_not_copied(cupy_program):
    p = donating(cupy_program)
    x, _ = follow(p, SMALL, [SMALL] * 3)
    before = x.data.ptr
    shift = on_device(SMALL)
    device.calls.clear()
    x, _ = p(x, shift)
    assert x.data.ptr == before
    assert device.calls == ["copyto", "copy"]  # the other argument in, the other result out


def test_donated_steps_give_what_numpy_gives(cupy_program):
    x, wanted = follow(donating(cupy_program), SMALL * 1e-3, [SMALL * 1e-3] * 3)
    np.testing.assert_allclose(x.get(), wanted, rtol=1e-12)


def test_a_kept_result_is_not_overwritten_by_another_chain_of_calls(cupy_program):
    p = donating(cupy_program)
    follow(p, SMALL, [SMALL])
    x, wanted_x = follow(p, SMALL, [SMALL])
    y, wanted_y = follow(p, -SMALL, [SMALL])
    z, wanted_z = follow(p, 2 * SMALL, [SMALL])
    for kept, wanted in ((x, wanted_x), (y, wanted_y), (z, wanted_z)):
        np.testing.assert_allclose(kept.get(), wanted, rtol=1e-12)
    assert len({a.data.ptr for a in (x, y, z)}) == 3


def test_a_kept_view_of_a_result_is_not_overwritten(cupy_program):
    p = donating(cupy_program)
    follow(p, SMALL, [SMALL])
    x, wanted = follow(p, SMALL, [SMALL])
    view = fake_device.run("getitem", lambda v: v[1:], x)
    del x
    gc.collect()
    follow(p, -SMALL, [SMALL])
    np.testing.assert_allclose(view.get(), wanted[1:], rtol=1e-12)


def test_memory_whose_result_is_gone_is_used_again(cupy_program):
    p = donating(cupy_program)
    for _ in range(8):
        x, wanted = follow(p, SMALL, [SMALL])
        np.testing.assert_allclose(x.get(), wanted, rtol=1e-12)
        del x
        gc.collect()
    assert len(p.compiled.run._spaces) == 1


def test_donated_results_given_in_each_others_place_are_both_read(cupy_program):
    def both(x, y):
        (u,), (v,) = updates(x), updates(y)
        return [u, v + 1]

    p = cupy_program(both, SMALL, SMALL, donated=(0, 1))
    p.agrees(SMALL, SMALL)
    x, y = p(on_device(SMALL), on_device(-SMALL))
    xs, ys = p.wanted(SMALL, -SMALL)
    for _ in range(2):
        scaled = [on_device(y.get() * 1e-3), on_device(x.get() * 1e-3)]
        del x, y
        gc.collect()
        wanted = p.wanted(*[s.get() for s in scaled])
        x, y = p(*scaled)
        a, b = x.get() * 1e-3, y.get() * 1e-3
        fake_device.copyto(x, on_device(a))
        fake_device.copyto(y, on_device(b))
        np.testing.assert_allclose((a * 1e3, b * 1e3), wanted, rtol=1e-9)
        x, y = p(y, x)
        np.testing.assert_allclose((x.get(), y.get()), p.wanted(b, a), rtol=1e-9)
    assert xs.shape == ys.shape


def test_a_result_that_is_the_argument_turned_round_is_moved_as_a_whole(cupy_program):
    def turn(x, y):
        return [xad.flip(x), *updates(y + x)]

    p = cupy_program(turn, SMALL, SMALL, donated=(0,))
    x, wanted = on_device(SMALL), SMALL
    for _ in range(4):
        x, _ = p(x, on_device(SMALL))
        wanted = wanted[::-1]
        np.testing.assert_array_equal(x.get(), wanted)
