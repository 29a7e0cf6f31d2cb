"""Fourier transforms: every length with every norm, symmetric spectra, frequencies, and orders."""

import numpy as np
import pytest

import xad
from xad.backend import selected, use_backend
from xad.errors import DTypeError, ShapeError
from xad.testing import check_grads

NORMS = ["backward", "ortho", "forward"]
COMPLEX = ["fft", "ifft", "irfft", "hfft"]
REAL = ["rfft", "ihfft"]
# Shorter than, as long as and longer than 5 (odd) and 6 (even), for halves of spectra too.
LENGTHS = [None, 1, 2, 4, 5, 6, 8, 9, 10, 11, 13]


def signal(name, *shape):
    random = np.random.default_rng(0)
    values = random.normal(size=shape)
    return values if name in REAL or name == "rfftn" else values + 1j * random.normal(size=shape)


def adjoint(here, f, x):
    """The error of <g, J t> = <J^H g, t> in the real inner product, for random g and t."""
    random = np.random.default_rng(1)

    def direction(like):
        values = random.normal(size=tuple(like.shape))
        if np.iscomplexobj(like):
            values = values + 1j * random.normal(size=tuple(like.shape))
        return values.astype(like.dtype)

    t = direction(here.to_host(x))
    y, pushed = xad.jvp(f, (x,), (here.array(t),))
    g = direction(here.to_host(y))
    (pulled,) = xad.vjp(f, x)[1](here.array(g))
    over_y = np.sum(np.real(np.conj(g) * here.to_host(pushed)))
    over_x = np.sum(np.real(np.conj(here.to_host(pulled)) * t))
    return abs(over_y - over_x) / (1 + abs(over_y))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("m", [5, 6])
@pytest.mark.parametrize("name", COMPLEX + REAL)
def test_every_length_with_every_norm(name, m, norm, here, close):
    x = signal(name, 2, m)
    f = getattr(xad.fft, name)
    for n in LENGTHS:
        got = f(here.array(x), n=n, norm=norm)
        close(got, getattr(np.fft, name)(x, n=n, norm=norm))
        error = adjoint(here, lambda x, n=n: f(x, n=n, norm=norm), here.array(x))
        assert error < 10 * here.tolerance, n


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_axes_with_every_norm(name, norm, here, close):
    x = signal(name, 3, 4, 5)
    f = getattr(xad.fft, name)
    for axes, s in [((0, 2), (4, 4)), ((2, 1), (3, 7)), ((0, 1, 2), (2, 5, 9))]:
        got = f(here.array(x), s=s, axes=axes, norm=norm)
        close(got, getattr(np.fft, name)(x, s=s, axes=axes, norm=norm))
        g = lambda x, s=s, axes=axes: f(x, s=s, axes=axes, norm=norm)  # noqa: E731
        assert adjoint(here, g, here.array(x)) < 10 * here.tolerance, axes


@pytest.mark.parametrize("n", [4, 5])
def test_each_transform_has_its_inverse(n, here, close):
    for forward, inverse, name in [
        (xad.fft.fft, xad.fft.ifft, "fft"),
        (xad.fft.rfft, lambda y: xad.fft.irfft(y, n=n), "rfft"),
        (xad.fft.ihfft, lambda y: xad.fft.hfft(y, n=n), "ihfft"),
        (xad.fft.fftn, xad.fft.ifftn, "fftn"),
        (xad.fft.rfftn, lambda y: xad.fft.irfftn(y, s=(3, n), axes=(0, 1)), "rfftn"),
        (xad.fft.fftshift, xad.fft.ifftshift, "fft"),
    ]:
        x = signal(name, 3, n)
        close(inverse(forward(here.array(x))), x)


def test_the_gradient_of_the_power_of_a_signal_is_twice_the_signal(here, close):
    x = signal("rfft", 6)
    power = lambda x: xad.sum(xad.abs(xad.fft.fft(x, norm="ortho")) ** 2)  # noqa: E731
    close(xad.grad(power)(here.array(x)), 2 * x)  # Parseval


def test_imaginary_parts_that_count_nothing_have_no_gradient(here):
    x = here.array(signal("irfft", 4))
    weights = here.array(np.random.default_rng(2).normal(size=6))
    gradient = xad.grad(lambda x: xad.sum(xad.fft.irfft(x, n=6) * weights))(x)
    imaginary = here.to_host(gradient).imag
    assert imaginary[0] == imaginary[3] == 0
    assert np.all(imaginary[1:3] != 0)


def test_a_gradient_through_the_imaginary_part_of_the_first_bin(here, close):
    """The cotangent of a spectrum need not be symmetric: this one changes nothing."""
    x = here.array(signal("rfft", 4))
    close(xad.grad(lambda x: xad.imag(xad.fft.rfft(x))[0])(x), np.zeros(4))
    close(xad.grad(lambda x: xad.imag(xad.fft.rfft(x))[1])(x), [0.0, -1.0, 0.0, 1.0])


@pytest.mark.parametrize("name", COMPLEX + REAL)
def test_derivatives_of_higher_order(name, here):
    if here.precision == "float32":
        pytest.skip("differences of float32 say nothing about second derivatives")
    f = getattr(xad.fft, name)
    x = here.array(signal(name, 3))
    check_grads(lambda x: f(x, n=4) ** 3, (x,), order=2, atol=1e-4, rtol=1e-4)


def test_single_precision_stays_single(here):
    real, wide = here.array(np.ones(4), "float32"), here.array(np.ones(4), "complex64")
    for name in COMPLEX + REAL:
        x = real if name in REAL else wide
        value, pullback = xad.vjp(getattr(xad.fft, name), x)
        wanted = here.xp.float32 if name in ("irfft", "hfft") else here.xp.complex64
        assert value.dtype == wanted
        assert pullback(value)[0].dtype == x.dtype
    assert xad.fft.fft(real).dtype == here.xp.complex64
    assert xad.grad(lambda x: xad.sum(xad.abs(xad.fft.fft(x))))(real).dtype == real.dtype


def test_vmap_over_any_axis(here, close):
    x = signal("fft", 3, 4, 2)
    got = xad.vmap(lambda row: xad.fft.fft(row, axis=0, n=3), in_axes=1)(here.array(x))
    close(got, np.moveaxis(np.fft.fft(x, axis=0, n=3), 1, 0))
    jacobian = xad.vmap(xad.vjp(xad.fft.rfft, here.array(x[:, 0, 0].real))[1])
    rows = here.array(np.eye(2).astype("complex128"))
    close(jacobian(rows)[0], np.stack([np.ones(3), np.cos(2 * np.pi * np.arange(3) / 3)]))


def test_transforms_of_no_lines(here):
    x = here.array(np.zeros((0, 4)))
    for f in (getattr(xad.fft, name) for name in COMPLEX + REAL):
        assert f(x, n=5).shape[0] == 0
        gradient = xad.grad(lambda x, f=f: xad.sum(xad.abs(f(x, n=5))))(x)
        assert tuple(gradient.shape) == (0, 4)
    column = here.array(np.zeros((0, 2)))
    assert xad.fft.fftn(column, s=(3,), axes=(0,)).shape == (3, 2)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name, n, here, close):
    make = getattr(xad.fft, name)
    got = make(n, d=0.25)
    assert isinstance(got, xad.Tensor)
    assert got.device == selected().device
    assert got.dtype == here.adapter.default_dtype(device=here.device)
    expected = getattr(np.fft, name)(n, d=0.25)
    close(got, expected, 1e-6)
    for dtype in ("float32", here.xp.float32, np.float32):
        single = make(n, d=0.25, dtype=dtype)
        assert single.dtype == here.xp.float32
        close(single, expected, 1e-6)


def test_frequencies_on_another_device_and_of_the_arrays_own_library(strict_device):
    with use_backend("array_api_strict"):
        made = xad.fft.fftfreq(4, device="device1")
        assert made.device == strict_device.device
    namespace = xad.asarray(strict_device.array(np.ones(2))).__array_namespace__()
    for name in ("fftfreq", "rfftfreq"):
        made = getattr(namespace.fft, name)(4, device=strict_device.device)
        assert type(made.value) is type(strict_device.array(np.ones(2)))
        assert made.device == strict_device.device
    assert namespace.fft.fft is xad.fft.fft


def test_frequencies_that_there_are_not():
    with pytest.raises(ShapeError, match=r"fft\.fftfreq: expected a length of at least 1, got 0"):
        xad.fft.fftfreq(0)
    with pytest.raises(DTypeError, match=r"fft\.rfftfreq: expected a real floating-point"):
        xad.fft.rfftfreq(4, dtype="int64")
    with pytest.raises(TypeError):
        xad.fft.fftfreq(4.0)


def test_a_shift_of_a_number_is_the_number(here, close):
    x = here.array(2.5)
    for shift in (xad.fft.fftshift, xad.fft.ifftshift):
        close(shift(x), 2.5)
        close(xad.grad(shift)(x), 1.0)


def test_halves_of_spectra_of_one_number_need_a_length(here, close):
    x = here.array(np.asarray([2.0 + 1.0j]))
    with pytest.raises(ShapeError, match="lengths of at least 1"):
        xad.fft.irfft(x)
    close(xad.fft.irfft(x, n=1), [2.0])
