"""All the calls, and how many of them are known to give the right gradient."""

from __future__ import annotations

from thirdparty import (
    array_api_extra_calls,
    scipy_numerics,
    scipy_signals,
    scipy_special,
    scipy_stats,
    sklearn_calls,
)
from thirdparty.judging import Case

MODULES = {
    "scipy": (scipy_special, scipy_stats, scipy_signals, scipy_numerics),
    "array_api_extra": (array_api_extra_calls,),
    "sklearn": (sklearn_calls,),
}

LIBRARIES = {
    # how many calls agree at least, by the library that the tensors are over
    "scipy": {"numpy": 280, "array_api_strict": 185},
    "array_api_extra": {"numpy": 52, "array_api_strict": 52},
    "sklearn": {"numpy": 68, "array_api_strict": 66},
}

SAMPLE = {
    # one call for each way in which tensors meet other code, and what comes of it
    "scipy.special.erf": "agree",
    "scipy.special.xlogy": "agree",
    "scipy.special.gammaln": "agree",
    "scipy.special.gammasgn": "constant",
    "scipy.special.logsumexp axis": "agree",
    "scipy.special.zetac": "refuse",
    "scipy.stats.skew axis=1": "agree",
    "scipy.stats.pearsonr": "agree",
    "scipy.stats.ttest_rel": "agree",
    "scipy.stats.quantile many": "agree",
    "scipy.stats.boxcox_llf": "refuse",
    "scipy.stats.norm.pdf": "refuse",
    "scipy.fft.hfft": "agree",
    "scipy.signal.fftconvolve": "agree",
    "scipy.signal.butter": "refuse",
    "scipy.ndimage.gaussian_filter": "refuse",
    "scipy.integrate.cumulative_simpson": "agree",
    "scipy.interpolate.interp1d": "refuse",
    "scipy.linalg.expm": "refuse",
    "scipy.optimize.elementwise.find_root": "agree",
    "scipy.spatial.transform.Rotation.apply": "agree",
    "scipy.spatial.transform.Rotation.mean": "agree",
    "array_api_extra.at add slice": "agree",
    "array_api_extra.at set mask": "agree",
    "array_api_extra.cov": "agree",
    "array_api_extra.nunique": "constant",
    "array_api_extra.sinc at zero": "agree",
    "array_api_extra.lazy_apply as NumPy": "refuse",
    "sklearn.metrics.mean_squared_error": "refuse",
    "sklearn.metrics.mean_squared_error raw": "agree",
    "sklearn.metrics.pairwise.rbf_kernel": "agree",
    "sklearn.preprocessing.StandardScaler": "agree",
    "sklearn.linear_model.Ridge": "agree",
    "sklearn.naive_bayes.GaussianNB": "agree",
}


def cases_of(library: str) -> list[Case]:
    """The calls of one library, which must be installed."""
    return [c for module in MODULES[library] for c in module.cases()]


def all_cases() -> list[Case]:
    """The calls of every library."""
    return [c for library in MODULES for c in cases_of(library)]
