"""Metrics, kernels, preprocessing and estimators of scikit-learn."""

from __future__ import annotations

import dataclasses
from typing import Any

from array_api_compat import array_namespace

from thirdparty.judging import Case, case

T = [1.2, 0.7, 2.1, 1.6, 0.4, 2.8]
P = [1.5, 0.3, 1.9, 1.1, 0.8, 2.5]
WEIGHTS = [0.4, 1.2, 0.7, 0.9, 1.5, 0.6]
PAIRS = [[1.2, 0.7], [2.1, 1.6], [0.4, 2.8], [1.9, 0.3]]
OTHERS = [[1.5, 0.3], [1.9, 1.1], [0.8, 2.5], [1.4, 0.9]]
X = [[0.8, 1.9, -0.4], [2.7, 0.1, -1.3], [0.5, -0.9, 1.4], [1.1, 0.6, 0.3], [-0.7, 1.3, 0.9]]
Y = [[0.2, 1.4, -0.9], [1.7, -0.6, 0.3]]
POSITIVE = [[0.8, 1.9, 0.4], [2.7, 0.1, 1.3], [0.5, 0.9, 1.4]]
LABELS = [0, 1, 1, 0, 1, 0]
CHANCES = [0.2, 0.7, 0.6, 0.35, 0.85, 0.45]
THREE = [0, 1, 2, 1]
OF_THREE = [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.3, 0.5, 0.2]]

REGRESSION = (
    "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error "
    "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
    "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance "
    "median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error"
)
IN_RAW = (
    "d2_absolute_error_score d2_pinball_score explained_variance_score mean_absolute_error "
    "mean_absolute_percentage_error mean_pinball_loss mean_squared_error mean_squared_log_error "
    "median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error"
)
OF_CHANCES = (
    "average_precision_score brier_score_loss d2_brier_score d2_log_loss_score hinge_loss log_loss "
    "roc_auc_score roc_curve precision_recall_curve det_curve ndcg_score_"
)
KERNELS = (
    "additive_chi2_kernel_ cosine_distances cosine_similarity euclidean_distances laplacian_kernel "
    "linear_kernel manhattan_distances polynomial_kernel rbf_kernel sigmoid_kernel haversine_ "
    "nan_euclidean_distances"
)
PAIRED = "paired_cosine_distances paired_euclidean_distances paired_manhattan_distances"
SCALINGS = "scale minmax_scale maxabs_scale robust_scale normalize add_dummy_feature"
TRANSFORMERS = {
    "StandardScaler": {},
    "MinMaxScaler": {},
    "MaxAbsScaler": {},
    "RobustScaler": {},
    "Normalizer": {"norm": "l2"},
    "PolynomialFeatures": {"degree": 2},
    "KernelCenterer": {},
    "PowerTransformer": {},
    "SplineTransformer": {},
}


def cases() -> list[Case]:
    """All of them, each with dispatch to the arrays' own library switched on."""
    from sklearn import config_context

    def dispatched(function: Any) -> Any:
        def call(*arrays: Any) -> Any:
            with config_context(array_api_dispatch=True):
                return function(*arrays)

        return call

    found = [*_metrics(), *_pairwise(), *_preprocessing(), *_estimators(), *_utilities()]
    return [dataclasses.replace(c, function=dispatched(c.function)) for c in found]


def _metrics() -> list[Case]:
    from sklearn import metrics

    def of(name: str, *arrays: Any, label: str = "", **options: Any) -> Case:
        function = getattr(metrics, name)
        text = f"sklearn.metrics.{name}" + (f" {label}" if label else "")
        return case(text, lambda *a: function(*a, **options), *arrays)

    def weighted(name: str) -> Case:
        function = getattr(metrics, name)
        return case(
            f"sklearn.metrics.{name} weights",
            lambda t, p, w: function(t, p, sample_weight=w),
            T,
            P,
            WEIGHTS,
        )

    raw = {"label": "raw", "multioutput": "raw_values"}
    return [
        *(of(name, T, P) for name in REGRESSION.split()),
        *(of(name, PAIRS, OTHERS, **raw) for name in IN_RAW.split()),
        *(weighted(name) for name in ("mean_squared_error", "r2_score", "mean_poisson_deviance")),
        of("mean_tweedie_deviance", T, P, label="power 1.5", power=1.5),
        of("d2_tweedie_score", T, P, label="power 1.5", power=1.5),
        *(of(name, LABELS, CHANCES) for name in OF_CHANCES.split() if hasattr(metrics, name)),
        of("log_loss", THREE, OF_THREE, label="three classes"),
        of("log_loss", THREE, OF_THREE, label="sum", normalize=False),
        of("brier_score_loss", THREE, OF_THREE, label="three classes"),
        of("dcg_score", [[3, 2, 1, 0]], [[0.9, 0.7, 0.2, 0.4]]),
        of("calinski_harabasz_score", X, [0, 0, 1, 1, 0]),
        of("davies_bouldin_score", X, [0, 0, 1, 1, 0]),
        of("silhouette_score", X, [0, 0, 1, 1, 0]),
        of("auc", [0.1, 0.4, 0.9], [0.3, 0.7, 0.8]),
    ]


def _pairwise() -> list[Case]:
    from sklearn.metrics import pairwise

    def of(name: str, *arrays: Any, label: str = "", **options: Any) -> Case:
        function = getattr(pairwise, name)
        text = f"sklearn.metrics.pairwise.{name}" + (f" {label}" if label else "")
        return case(text, lambda *a: function(*a, **options), *arrays)

    return [
        *(of(name, X, Y) for name in KERNELS.split() if hasattr(pairwise, name)),
        *(of(name, X[:2], Y) for name in PAIRED.split()),
        of("chi2_kernel", POSITIVE, POSITIVE[:2]),
        of("additive_chi2_kernel", POSITIVE, POSITIVE[:2]),
        of("rbf_kernel", X, Y, label="gamma", gamma=0.7),
        of("polynomial_kernel", X, Y, label="degree 2", degree=2, coef0=0.5),
        of("euclidean_distances", X, Y, label="squared", squared=True),
        *(
            of("pairwise_distances", X, Y, label=metric, metric=metric)
            for metric in ("euclidean", "cosine", "manhattan", "l2", "correlation", "sqeuclidean")
        ),
        *(
            of("pairwise_kernels", X, Y, label=metric, metric=metric)
            for metric in ("linear", "rbf", "poly", "cosine", "sigmoid")
        ),
        of("pairwise_distances_argmin", X, Y),
    ]


def _preprocessing() -> list[Case]:
    from sklearn import preprocessing

    def scaled(name: str, **options: Any) -> Case:
        function = getattr(preprocessing, name)
        text = " ".join([f"sklearn.preprocessing.{name}", *map(str, options.values())])
        return case(text, lambda x: function(x, **options), X)

    def fitted(name: str, options: dict[str, Any]) -> Case:
        kind = getattr(preprocessing, name)
        data = [row[:3] for row in X[:3]] if name == "KernelCenterer" else X
        text = f"sklearn.preprocessing.{name}"
        return case(text, lambda x: kind(**options).fit_transform(x), data)

    return [
        *(scaled(name) for name in SCALINGS.split()),
        scaled("normalize", norm="l1"),
        scaled("normalize", norm="max"),
        scaled("scale", axis=1),
        *(fitted(name, options) for name, options in TRANSFORMERS.items()),
        case(
            "sklearn.preprocessing.StandardScaler inverse",
            lambda x: inverse(preprocessing.StandardScaler(), x),
            X,
        ),
        case(
            "sklearn.preprocessing.MinMaxScaler inverse",
            lambda x: inverse(preprocessing.MinMaxScaler(), x),
            X,
        ),
    ]


def inverse(scaler: Any, x: Any) -> Any:
    """Other values, taken back from the scale of ``x``."""
    return scaler.fit(x).inverse_transform(x * 0.5 + 0.1)


def _estimators() -> list[Case]:
    from sklearn import decomposition, linear_model, naive_bayes
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.kernel_approximation import Nystroem

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"sklearn.{name}", function, *arrays)

    classes = [0, 1, 0, 1, 0]
    targets = [0.3, 1.9, 0.7, 1.2, 0.1]
    ridge = linear_model.Ridge
    return [
        of("linear_model.Ridge", lambda x, y: ridge(solver="svd").fit(x, y).coef_, X, targets),
        of(
            "linear_model.Ridge predict",
            lambda x, y: ridge(solver="svd").fit(x, y).predict(x),
            X,
            targets,
        ),
        of(
            "linear_model.LinearRegression",
            lambda x, y: linear_model.LinearRegression().fit(x, y).coef_,
            X,
            targets,
        ),
        of(
            "decomposition.PCA variance",
            lambda x: decomposition.PCA(2, svd_solver="full").fit(x).explained_variance_,
            X,
        ),
        of(
            "decomposition.PCA covariance",
            lambda x: decomposition.PCA(2, svd_solver="covariance_eigh").fit(x).explained_variance_,
            X,
        ),
        of(
            "decomposition.PCA transform",
            lambda x: decomposition.PCA(2, svd_solver="full").fit_transform(x) ** 2,
            X,
        ),
        of(
            "naive_bayes.GaussianNB",
            lambda c, x: naive_bayes.GaussianNB().fit(x, c).predict_log_proba(x),
            classes,
            X,
        ),
        of(
            "discriminant_analysis.LinearDiscriminantAnalysis",
            lambda c, x: LinearDiscriminantAnalysis().fit(x, c).decision_function(x),
            classes,
            X,
        ),
        of(
            "kernel_approximation.Nystroem",
            lambda x: Nystroem(n_components=2, random_state=0).fit_transform(x),
            X,
        ),
    ]


def _utilities() -> list[Case]:
    from sklearn.utils import _array_api, extmath, stats

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"sklearn.utils.{name}", function, *arrays)

    def multiplied(x: Any, y: Any) -> Any:
        return extmath.safe_sparse_dot(x, array_namespace(y).permute_dims(y, (1, 0)))

    return [
        of("extmath.row_norms", extmath.row_norms, X),
        of("extmath.row_norms squared", lambda x: extmath.row_norms(x, squared=True), X),
        of("extmath.softmax", lambda x: extmath.softmax(x, copy=True), X),
        of("extmath.safe_sparse_dot", multiplied, X, Y),
        of("extmath.squared_norm", extmath.squared_norm, X),
        of("extmath.density", extmath.density, X),
        of("extmath.cartesian", lambda x, y: extmath.cartesian((x, y)), [0.2, 0.5], [0.7, 0.1]),
        of(
            "extmath.randomized_svd",
            lambda x: extmath.randomized_svd(x, 2, random_state=0)[1],
            X,
        ),
        of("stats._weighted_percentile", stats._weighted_percentile, T, WEIGHTS),
        of("_array_api._average", lambda x, w: _array_api._average(x, weights=w), T, WEIGHTS),
        of("_array_api._median", _array_api._median, T),
        of("_array_api._logit", _array_api._logit, CHANCES),
        of("_array_api._expit", _array_api._expit, T),
        of("_array_api._xlogy", _array_api._xlogy, T, P),
    ]
