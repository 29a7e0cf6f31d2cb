"""Descriptive statistics, tests and quantiles of SciPy."""

from __future__ import annotations

from typing import Any

from thirdparty.judging import Case, case

A = [1.37, 2.91, 0.72, 4.18, 3.33, 2.26, 5.45, 3.94, 1.59]
B = [2.13, 3.28, 1.66, 2.79, 5.92, 2.47, 4.81, 3.12, 0.44]
C = [0.98, 3.71, 2.69, 1.47, 3.06, 4.42, 2.07, 6.15, 2.85]
TABLE = [A, B, C]
ANGLES = [0.3, 1.2, 0.8, 2.4, 1.9, 0.1]
PORTIONS = [0.1, 0.35, 0.2, 0.15, 0.2]
OTHERS = [0.2, 0.25, 0.1, 0.3, 0.15]
CHANCES = [0.03, 0.2, 0.41, 0.6, 0.09]
MANY = [A[i % 9] + 0.13 * i for i in range(24)]

OF_ONE = (
    "circmean circstd circvar describe differential_entropy gmean gstd gzscore_ hmean iqr "
    "jarque_bera kstat kstatvar kurtosis lmoment median_abs_deviation mode moment pmean_ sem skew "
    "tmax tmean tmin trim_mean_ tsem tstd tvar variation zscore rankdata sigmaclip_ expectile"
)
OF_MANY = "kurtosistest normaltest skewtest shapiro anderson_"
OF_TWO = (
    "ansari brunnermunzel cramervonmises_2samp energy_distance epps_singleton_2samp kendalltau "
    "ks_2samp linregress mannwhitneyu mood pearsonr pointbiserialr ranksums siegelslopes spearmanr "
    "theilslopes ttest_ind ttest_rel wasserstein_distance weightedtau wilcoxon chatterjeexi"
)
OF_THREE = (
    "alexandergovern bartlett f_oneway fligner friedmanchisquare kruskal levene median_test_ "
    "obrientransform"
)


def fields(out: Any) -> Any:
    """The numbers in a result object, which may be a tuple or only have names."""
    if isinstance(out, tuple) or not hasattr(out, "__dict__"):
        return out
    return [getattr(out, name) for name in ("statistic", "pvalue") if hasattr(out, name)]


def calling(function: Any, **options: Any) -> Any:
    """A function that calls it with options, and takes its result apart."""
    return lambda *arrays: fields(function(*arrays, **options))


def cases() -> list[Case]:
    """All of them."""
    from scipy import stats

    found: list[Case] = []

    def add(name: str, *arrays: Any, label: str = "", **options: Any) -> None:
        function = getattr(stats, name, None)
        if function is not None:
            text = f"scipy.stats.{name}" + (f" {label}" if label else "")
            found.append(case(text, calling(function, **options), *arrays))

    for names, arrays in ((OF_ONE, (A,)), (OF_MANY, (MANY,)), (OF_TWO, (A, B)), (OF_THREE, TABLE)):
        for name in names.split():
            add(name, *arrays)
    for name in ("skew", "kurtosis", "zscore", "sem", "variation", "kstat", "gmean", "tvar"):
        add(name, TABLE, label="axis=1", axis=1)
    for name in ("skew", "kurtosis"):
        add(name, A, label="bias=False", bias=False)
    add("moment", A, label="order=3", order=3)
    add("moment", A, label="about a center", order=2, center=1.5)
    add("kstat", A, label="n=4", n=4)
    add("kurtosis", A, label="fisher=False", fisher=False)
    add("gzscore", A)
    add("zmap", A, B)
    add("pmean", A, label="p=2.5", p=2.5)
    add("pmean", A, label="p=-1", p=-1)
    add("gmean", A, label="weights", weights=[1.0 + i for i in range(9)])
    add("trim_mean", A, label="0.2", proportiontocut=0.2)
    add("tmean", A, label="limits", limits=(1.0, 5.0))
    add("tstd", A, label="limits", limits=(1.0, 5.0))
    add("entropy", PORTIONS)
    add("entropy", PORTIONS, OTHERS, label="relative")
    add("entropy", PORTIONS, label="base 2", base=2)
    add("power_divergence", A, label="lambda 2/3", lambda_="cressie-read")
    add("power_divergence", PORTIONS, label="log-likelihood", lambda_="log-likelihood")
    add("chisquare", A)
    add("combine_pvalues", CHANCES)
    for method in ("pearson", "tippett", "stouffer", "mudholkar_george"):
        add("combine_pvalues", CHANCES, label=method, method=method)
    add("false_discovery_control", CHANCES)
    add("ttest_1samp", A, label="popmean=2", popmean=2.0)
    add("ttest_ind", A, B, label="Welch", equal_var=False)
    add("ttest_ind", A, B, label="trim", trim=0.2)
    add("ttest_rel", A, B, label="greater", alternative="greater")
    add("pearsonr", A, B, label="less", alternative="less")
    add("quantile", A, label="0.3", p=0.3)
    add("quantile", A, [0.2, 0.55, 0.8], label="many")
    add("lmoment", A, label="order 2", order=2)
    add("boxcox_llf", 0.7, A)
    add("yeojohnson_llf", 0.7, A)
    add("differential_entropy", MANY, label="ebrahimi", method="ebrahimi")
    add("differential_entropy", MANY, label="correa", method="correa")
    add("scoreatpercentile", A, label="40", per=40)
    add("iqr", A, label="scaled", scale=1.349)
    add("median_abs_deviation", A, label="normal", scale="normal")
    add("circmean", ANGLES, label="high=3", high=3.0)
    add("directional_stats", TABLE)
    add("ttest_ind_from_stats", 1.5, 0.8, 9, 2.1, 1.1, 8)
    add("ks_1samp", A, label="normal", cdf=lambda x: stats.norm.cdf(x, 3.0, 1.5))
    add("cramervonmises", A, label="normal", cdf=lambda x: stats.norm.cdf(x, 3.0, 1.5))
    add("variation", A, label="ddof=1", ddof=1)
    add("describe", TABLE, label="axis=0")
    found += _distributions(stats)
    return found


def _distributions(stats: Any) -> list[Case]:
    """Densities and probabilities, of the older and the newer kind of distributions."""
    found = []
    for method in ("pdf", "logpdf", "cdf", "logcdf", "ccdf", "icdf"):
        points = CHANCES if method == "icdf" else [0.3, 0.8, 1.4]

        def normal(x: Any, m: Any, s: Any, method: str = method) -> Any:
            return getattr(stats.Normal(mu=m, sigma=s), method)(x)

        found.append(case(f"scipy.stats.Normal.{method}", normal, points, 0.4, 1.3))
    for name in ("norm", "expon", "logistic", "cauchy", "uniform"):
        for method in ("pdf", "logpdf", "cdf"):
            function = getattr(getattr(stats, name), method)
            found.append(case(f"scipy.stats.{name}.{method}", function, [0.3, 0.6, 0.9]))
    return found
