"""Transforms, filters, windows and images of SciPy."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from thirdparty.judging import Case, beside, case

X = [0.8, 1.9, -0.4, 2.7, 0.1, -1.3, 1.1, 0.5]
Y = [1.2, -0.7, 0.6]
IMAGE = [
    [0.8, 1.9, -0.4, 2.7],
    [0.1, -1.3, 1.1, 0.5],
    [1.6, 0.3, -0.9, 0.7],
    [2.1, -0.2, 1.4, -1.1],
]
LONG = [X[i * 3 % 8] * (1 + 0.1 * i) for i in range(32)]
TAPS = [0.2, 0.5, 0.3]
POLES = [1.1, -0.4, 0.1]
NUMERATORS = [[0.2, 0.5, 0.2], [0.5, 0.1, 0.3]]
DENOMINATORS = [[-0.3, 0.1], [0.2, 0.05]]
ANALOG = [1.0, 1.2, 0.9]

TRANSFORMS = "fft ifft rfft irfft hfft ihfft dct idct dst idst fftshift ifftshift"
OF_PLANES = (
    "fft2 ifft2 fftn ifftn rfft2 irfft2 rfftn irfftn hfft2 ihfft2 hfftn ihfftn "
    "dctn idctn dstn idstn"
)

OF_IMAGES = (
    "gaussian_gradient_magnitude_ laplace prewitt sobel spline_filter spline_filter1d "
    "center_of_mass extrema maximum mean median minimum standard_deviation sum variance "
    "morphological_gradient_ distance_transform_edt"
)
WITH_SIZE = (
    "grey_closing grey_dilation grey_erosion grey_opening maximum_filter median_filter "
    "minimum_filter uniform_filter uniform_filter1d maximum_filter1d minimum_filter1d white_tophat "
    "black_tophat morphological_gradient morphological_laplace"
)
WITH_SIGMA = (
    "gaussian_filter gaussian_filter1d gaussian_gradient_magnitude gaussian_laplace "
    "fourier_gaussian fourier_uniform fourier_ellipsoid fourier_shift"
)
WITH_WEIGHTS = "convolve correlate"


def cases() -> list[Case]:
    """All of them."""
    from scipy import fft, ndimage, signal

    found: list[Case] = []

    def add(module: Any, name: str, *arrays: Any, label: str = "", **options: Any) -> None:
        function = getattr(module, name, None)
        if function is not None:
            text = f"{module.__name__}.{name}" + (f" {label}" if label else "")
            found.append(case(text, lambda *a, f=function: f(*a, **options), *arrays))

    for name in TRANSFORMS.split():
        add(fft, name, X)
    for name in OF_PLANES.split():
        add(fft, name, IMAGE)
    add(fft, "fft", X, label="n=5", n=5)
    add(fft, "rfft", X, label="ortho", norm="ortho")
    add(fft, "dct", X, label="type 3", type=3)
    add(fft, "fht", X, label="", dln=0.1, mu=0.5)
    add(fft, "ifht", X, label="", dln=0.1, mu=0.5)
    for name in OF_IMAGES.split():
        add(ndimage, name, IMAGE)
    for name in WITH_SIZE.split():
        add(ndimage, name, IMAGE, size=3)
    for name in WITH_SIGMA.split():
        option = "sigma" if "gaussian" in name else "shift" if "shift" in name else "size"
        add(ndimage, name, IMAGE, **{option: 1.2})
    for name in WITH_WEIGHTS.split():
        add(ndimage, name, IMAGE, [Y, Y, Y])
        add(ndimage, f"{name}1d", X, Y)
    add(ndimage, "shift", IMAGE, label="", shift=0.4)
    add(ndimage, "zoom", IMAGE, label="", zoom=1.5)
    add(ndimage, "rotate", IMAGE, label="", angle=20.0)
    add(ndimage, "map_coordinates", IMAGE, [[0.5, 1.2], [1.1, 2.3]])
    found.extend(_filters(signal))
    found.extend(_designs(signal))
    return found


def sections(numerators: Any, denominators: Any) -> Any:
    """Second-order sections, whose fourth column is of ones."""
    xp = array_namespace(numerators)
    ones = xp.ones_like(denominators[:, :1])
    return xp.concat([numerators, ones, denominators], axis=1)


def in_any_order(zpk: Any) -> Any:
    """Zeros and poles by the sums of their powers, since roots have no order."""
    xp = array_namespace(zpk[0])
    return [[xp.sum(x**k) for k in range(1, x.shape[0] + 1)] for x in zpk[:2]], zpk[2]


def _filters(signal: Any) -> list[Case]:
    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.signal.{name}", function, *arrays)

    s = signal
    return [
        of("convolve", lambda x, y: s.convolve(x, y, method="direct"), X, Y),
        of("convolve fft", lambda x, y: s.convolve(x, y, method="fft"), X, Y),
        of("fftconvolve", s.fftconvolve, X, Y),
        of("fftconvolve same", lambda x, y: s.fftconvolve(x, y, mode="same"), X, Y),
        of("oaconvolve", s.oaconvolve, X, Y),
        of("correlate", lambda x, y: s.correlate(x, y, method="direct"), X, Y),
        of("correlate fft", lambda x, y: s.correlate(x, y, method="fft"), X, Y),
        of("convolve2d", s.convolve2d, IMAGE, [Y, Y]),
        of("correlate2d", s.correlate2d, IMAGE, [Y, Y]),
        of("deconvolve", s.deconvolve, X, Y),
        of("detrend", s.detrend, X),
        of("detrend constant", lambda x: s.detrend(x, type="constant"), X),
        of("hilbert", s.hilbert, X),
        of("hilbert2", s.hilbert2, IMAGE),
        of("envelope", s.envelope, LONG),
        of("resample", lambda x: s.resample(x, 5), X),
        of("resample up", lambda x: s.resample(x, 12), X),
        of("resample_poly", lambda x: s.resample_poly(x, 3, 2), X),
        of("upfirdn", lambda h, x: s.upfirdn(h, x, 2, 1), Y, X),
        of("decimate", lambda x: s.decimate(x, 2), LONG),
        of("lfilter", s.lfilter, TAPS, POLES, X),
        of("filtfilt", s.filtfilt, TAPS, POLES, LONG),
        of("sosfilt", lambda n, d, x: s.sosfilt(sections(n, d), x), NUMERATORS, DENOMINATORS, X),
        of(
            "sosfiltfilt",
            lambda n, d, x: s.sosfiltfilt(sections(n, d), x),
            NUMERATORS,
            DENOMINATORS,
            LONG,
        ),
        of("sosfilt_zi", lambda n, d: s.sosfilt_zi(sections(n, d)), NUMERATORS, DENOMINATORS),
        of("lfilter_zi", s.lfilter_zi, TAPS, POLES),
        of("lfiltic", s.lfiltic, TAPS, POLES, [0.3, 0.7]),
        of("savgol_filter", lambda x: s.savgol_filter(x, 5, 2), X),
        of("savgol_filter interp", lambda x: s.savgol_filter(x, 5, 2, mode="nearest"), X),
        of("wiener", s.wiener, IMAGE),
        of("medfilt", s.medfilt, X),
        of("medfilt2d", s.medfilt2d, IMAGE),
        of("order_filter", lambda x: s.order_filter(x, beside(x, [1.0, 1.0, 1.0]), 1), X),
        of("cspline1d", s.cspline1d, X),
        of("qspline1d", s.qspline1d, X),
        of("cspline1d_eval", lambda c, x: s.cspline1d_eval(c, x), X, [0.4, 2.3]),
        of("vectorstrength", lambda e, p: s.vectorstrength(e, p), X, 1.7),
        of("periodogram", s.periodogram, X),
        of("welch", lambda x: s.welch(x, nperseg=8), LONG),
        of("csd", lambda x, y: s.csd(x, y, nperseg=8), LONG, LONG[::-1]),
        of("coherence", lambda x, y: s.coherence(x, y, nperseg=8), LONG, LONG[::-1]),
        of("stft", lambda x: s.stft(x, nperseg=8), LONG),
        of("lombscargle", lambda t, x: s.lombscargle(t, x, beside(t, [0.7, 1.3])), TAPS, Y),
        of("czt", s.czt, X),
        of("gauss_spline", lambda x: s.gauss_spline(x, 3), X),
        of("sawtooth", s.sawtooth, [0.4, 2.7, 5.1]),
        of("chirp", lambda t: s.chirp(t, 1.0, 2.0, 3.0), [0.4, 0.9, 1.7]),
        of("gausspulse", lambda t: s.gausspulse(t, fc=2.0), [0.1, 0.2, -0.3]),
        of("minimum_phase", s.minimum_phase, [0.1, 0.4, 0.7, 0.4, 0.1]),
        of("kaiser_beta", lambda a: s.kaiser_beta(a), 35.0),
    ]


def _designs(signal: Any) -> list[Case]:
    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.signal.{name}", function, *arrays)

    s = signal
    zeros, poles = [-0.5, -1.2], [-0.4, -0.9, -1.7]
    return [
        of("freqz", lambda b, a: s.freqz(b, a, worN=4)[1], TAPS, POLES),
        of(
            "freqz_sos",
            lambda n, d: s.freqz_sos(sections(n, d), worN=4)[1],
            NUMERATORS,
            DENOMINATORS,
        ),
        of("freqz_zpk", lambda z, p: s.freqz_zpk(z, p, 1.3, worN=4)[1], [0.3, 0.1], [0.4, 0.2]),
        of("freqs", lambda b, a: s.freqs(b, a, worN=beside(b, [0.4, 1.1]))[1], TAPS, ANALOG),
        of(
            "freqs_zpk",
            lambda z, p: s.freqs_zpk(z, p, 1.3, worN=beside(z, [0.4, 1.1]))[1],
            zeros,
            poles,
        ),
        of(
            "group_delay",
            lambda b, a: s.group_delay((b, a), w=beside(b, [0.4, 1.1]))[1],
            TAPS,
            POLES,
        ),
        of("bilinear", lambda b, a: s.bilinear(b, a, 2.0), TAPS, ANALOG),
        of("bilinear_zpk", lambda z, p: s.bilinear_zpk(z, p, 1.3, 2.0), zeros, poles),
        of("lp2lp", lambda b, a: s.lp2lp(b, a, 1.6), TAPS, ANALOG),
        of("lp2hp", lambda b, a: s.lp2hp(b, a, 1.6), TAPS, ANALOG),
        of("lp2bp", lambda b, a: s.lp2bp(b, a, 1.6, 0.7), TAPS, ANALOG),
        of("lp2bs", lambda b, a: s.lp2bs(b, a, 1.6, 0.7), TAPS, ANALOG),
        of("lp2lp_zpk", lambda z, p: s.lp2lp_zpk(z, p, 1.3, 1.6), zeros, poles),
        of("lp2hp_zpk", lambda z, p: s.lp2hp_zpk(z, p, 1.3, 1.6), zeros, poles),
        of("lp2bp_zpk", lambda z, p: s.lp2bp_zpk(z, p, 1.3, 1.6, 0.7), zeros, poles),
        of("lp2bs_zpk", lambda z, p: s.lp2bs_zpk(z, p, 1.3, 1.6, 0.7), zeros, poles),
        of("normalize", s.normalize, TAPS, [2.0, 0.7, 0.3]),
        of("zpk2tf", lambda z, p: s.zpk2tf(z, p, 1.3), zeros, poles),
        of("tf2zpk", lambda b, a: in_any_order(s.tf2zpk(b, a)), TAPS, POLES),
        of("sos2tf", lambda n, d: s.sos2tf(sections(n, d)), NUMERATORS, DENOMINATORS),
        of(
            "sos2zpk",
            lambda n, d: in_any_order(s.sos2zpk(sections(n, d))),
            NUMERATORS,
            DENOMINATORS,
        ),
        of("tf2sos", s.tf2sos, TAPS, [1.0, -0.9, 0.14]),
        of("zpk2sos", lambda z, p: s.zpk2sos(z, p, 1.3), [0.3, 0.1], [0.4, 0.2]),
        of("tf2ss", s.tf2ss, TAPS, POLES),
        of(
            "abcd_normalize",
            s.abcd_normalize,
            [[0.1, 0.4], [0.3, 0.2]],
            [[1.0], [0.5]],
            [[0.7, 0.2]],
            [[0.6]],
        ),
        of("firwin", lambda c: s.firwin(5, c), 0.35),
        of("firwin2", lambda g: s.firwin2(7, beside(g, [0.0, 0.4, 1.0]), g), [1.0, 0.8, 0.1]),
        of("iirnotch", lambda w: s.iirnotch(w, 30.0), 0.3),
        of("iirpeak", lambda w: s.iirpeak(w, 30.0), 0.3),
        of("iircomb", lambda q: s.iircomb(0.25, q), 20.0),
        of("gammatone", lambda f: s.gammatone(f, "iir", fs=1600.0), 440.0),
        of("savgol_coeffs", lambda d: s.savgol_coeffs(5, 2, delta=d, deriv=1), 0.7),
        of("butter", lambda w: s.butter(2, w), 0.3),
        of("cheby1", lambda w: s.cheby1(2, 1.0, w), 0.3),
        of("gaussian", lambda d: s.windows.gaussian(5, d), 1.3),
        of("general_cosine", lambda a: s.windows.general_cosine(5, a), [0.5, 0.3, 0.2]),
        of("kaiser", lambda b: s.windows.kaiser(5, b), 4.0),
        of("tukey", lambda a: s.windows.tukey(7, a), 0.45),
        of("exponential", lambda t: s.windows.exponential(5, tau=t), 1.7),
        of("chebwin", lambda a: s.windows.chebwin(5, a), 60.0),
    ]
