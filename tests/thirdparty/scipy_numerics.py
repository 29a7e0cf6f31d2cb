"""Integration, interpolation, rotation, clustering, roots and other numerics of SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from thirdparty.judging import Case, beside, case

T = [0.0, 0.5, 1.1, 1.9, 2.6, 3.2, 4.0]
Y = [1.2, 0.7, 1.9, 2.6, 1.4, 0.8, 1.7]
AT = [0.3, 1.4, 2.2, 3.6]
NINE = [0.9, 1.4, 0.2, 1.8, 2.5, 1.1, 0.6, 2.0, 1.3]
POINTS = [[0.1, 0.9], [1.3, 0.2], [2.2, 1.7], [0.8, 2.6], [1.9, 3.1], [3.0, 0.4]]
VALUES = [1.2, 0.7, 1.9, 2.6, 1.4, 0.8]
QUATERNION = [[0.1, 0.4, -0.3, 0.9], [0.5, -0.2, 0.3, 0.7]]
VECTORS = [[0.4, 1.2, -0.7], [1.1, -0.3, 0.6]]
ANGLES = [[0.3, 0.7, -0.4], [1.1, -0.6, 0.2]]
MATRIX = [[1.2, 0.4, -0.3], [0.5, 0.9, 0.7], [-0.2, 0.6, 1.4]]


def cases() -> list[Case]:
    """All of them."""
    return [
        *_integration(),
        *_interpolation(),
        *_rotation(),
        *_clusters(),
        *_roots_and_slopes(),
        *_others(),
    ]


def _integration() -> list[Case]:
    from scipy import integrate as s

    def of(name: str, function: Any, *arrays: Any, step: float = 1e-6) -> Case:
        return case(f"scipy.integrate.{name}", function, *arrays, step=step)

    def decay(x: Any, k: Any) -> Any:
        xp = np if isinstance(k, np.ndarray) else k.__array_namespace__()
        return xp.exp(-k * x)

    return [
        of("trapezoid", s.trapezoid, Y, T),
        of("trapezoid dx", lambda y: s.trapezoid(y, dx=0.4), Y),
        of("cumulative_trapezoid", s.cumulative_trapezoid, Y, T),
        of("cumulative_trapezoid initial", lambda y: s.cumulative_trapezoid(y, initial=0), Y),
        of("cumulative_simpson", lambda y, x: s.cumulative_simpson(y, x=x), Y, T),
        of("cumulative_simpson dx", lambda y: s.cumulative_simpson(y, dx=0.4), Y),
        of("simpson", lambda y, x: s.simpson(y, x=x), Y, T),
        of("romb", s.romb, NINE),
        of("tanhsinh", lambda a, b: s.tanhsinh(np_cos, a, b).integral, [0.2, 0.3], [1.1, 1.7]),
        of(
            "tanhsinh args",
            lambda k: s.tanhsinh(decay, *ends(k, 0.0, 1.0), args=(k,)).integral,
            [0.6, 1.4],
        ),
        of("nsum", lambda k: s.nsum(decay, *ends(k, 1.0, 9.0), args=(k,)).sum, [0.6, 1.4]),
        of(
            "cubature",
            lambda a, b: s.cubature(lambda x: np_cos(x)[..., 0], a, b).estimate,
            [0.2],
            [1.1],
        ),
        of("quad", lambda a, b: s.quad(np.cos, a, b)[0], 0.2, 1.1),
        of("fixed_quad", lambda a, b: s.fixed_quad(np_cos, a, b)[0], 0.2, 1.1),
        of("quad_vec", lambda a, b: s.quad_vec(np_cos, a, b)[0], 0.2, 1.1),
    ]


def ends(x: Any, *values: float) -> list[Any]:
    """Numbers as arrays like ``x``: SciPy takes the library from the first that it is given."""
    return [beside(x, [value] * x.shape[0]) for value in values]


def np_cos(x: Any) -> Any:
    """The cosine, in whatever library ``x`` is of."""
    return np.cos(x) if isinstance(x, (np.ndarray, float)) else x.__array_namespace__().cos(x)


def _interpolation() -> list[Case]:
    from scipy import interpolate as s

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.interpolate.{name}", function, *arrays)

    grid = [[Y[(2 * i + j) % 7] for j in range(4)] for i in range(4)]
    return [
        of("CubicSpline", lambda x, y, t: s.CubicSpline(x, y)(t), T, Y, AT),
        of("PchipInterpolator", lambda x, y, t: s.PchipInterpolator(x, y)(t), T, Y, AT),
        of("Akima1DInterpolator", lambda x, y, t: s.Akima1DInterpolator(x, y)(t), T, Y, AT),
        of(
            "CubicHermiteSpline",
            lambda x, y, d, t: s.CubicHermiteSpline(x, y, d)(t),
            T,
            Y,
            Y[::-1],
            AT,
        ),
        of("PPoly", lambda c, t: s.PPoly(c, beside(c, T))(t), [Y[:6], Y[1:]], AT),
        of("BPoly", lambda c, t: s.BPoly(c, beside(c, T))(t), [Y[:6], Y[1:]], AT),
        of("BSpline", lambda c, t: s.BSpline(beside(c, range(9)), c, 2)(t), Y[:6], [2.3, 3.4, 5.1]),
        of("make_interp_spline", lambda y, t: s.make_interp_spline(beside(y, T), y)(t), Y, AT),
        of(
            "RBFInterpolator",
            lambda x, y, t: s.RBFInterpolator(x, y)(t),
            POINTS,
            VALUES,
            POINTS[:2],
        ),
        of(
            "RegularGridInterpolator",
            lambda v, t: s.RegularGridInterpolator((beside(v, range(4)),) * 2, v)(t),
            grid,
            [[0.4, 1.2], [2.3, 0.8]],
        ),
        of(
            "NdBSpline",
            lambda c, t: s.NdBSpline((beside(c, range(7)),) * 2, c, 2)(t),
            grid,
            [[2.3, 3.4]],
        ),
        of("BarycentricInterpolator", lambda y, t: s.BarycentricInterpolator(T, y)(t), Y, AT),
        of("KroghInterpolator", lambda y, t: s.KroghInterpolator(T, y)(t), Y, AT),
        of("lagrange", lambda y: s.lagrange(np.asarray(T[:4]), y).coef, Y[:4]),
        of("interp1d", lambda y, t: s.interp1d(T, y)(t), Y, AT),
        of("UnivariateSpline", lambda y: s.UnivariateSpline(T, y, s=0)(AT), Y),
    ]


def _rotation() -> list[Case]:
    from scipy.spatial.transform import RigidTransform, Rotation

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.spatial.transform.{name}", function, *arrays)

    r = Rotation.from_quat
    return [
        of("Rotation.as_matrix", lambda q: r(q).as_matrix(), QUATERNION),
        of("Rotation.as_quat", lambda q: r(q).as_quat(), QUATERNION),
        of("Rotation.as_rotvec", lambda q: r(q).as_rotvec(), QUATERNION),
        of("Rotation.as_mrp", lambda q: r(q).as_mrp(), QUATERNION),
        of("Rotation.as_euler", lambda q: r(q).as_euler("xyz"), QUATERNION),
        of("Rotation.as_euler zyz", lambda q: r(q).as_euler("ZYZ"), QUATERNION),
        of(
            "Rotation.as_davenport",
            lambda q: r(q).as_davenport(beside(q, np.eye(3).tolist()), "e"),
            QUATERNION,
        ),
        of("Rotation.from_matrix", lambda m: Rotation.from_matrix(m).as_quat(), MATRIX),
        of("Rotation.from_rotvec", lambda v: Rotation.from_rotvec(v).as_matrix(), VECTORS),
        of("Rotation.from_mrp", lambda v: Rotation.from_mrp(v).as_matrix(), VECTORS),
        of("Rotation.from_euler", lambda a: Rotation.from_euler("xyz", a).as_matrix(), ANGLES),
        of("Rotation.apply", lambda q, v: r(q).apply(v), QUATERNION, VECTORS),
        of("Rotation.apply inverse", lambda q, v: r(q).apply(v, inverse=True), QUATERNION, VECTORS),
        of("Rotation.inv", lambda q: r(q).inv().as_matrix(), QUATERNION),
        of("Rotation.magnitude", lambda q: r(q).magnitude(), QUATERNION),
        of("Rotation.mean", lambda q: r(q).mean().as_matrix(), QUATERNION),
        of("Rotation product", lambda q, p: (r(q) * r(p)).as_quat(), QUATERNION, QUATERNION[::-1]),
        of("Rotation power", lambda q: (r(q) ** 2.5).as_matrix(), QUATERNION),
        of("Rotation item", lambda q: r(q)[0].as_matrix(), QUATERNION),
        of(
            "Rotation.concatenate",
            lambda q: Rotation.concatenate([r(q), r(q)]).as_quat(),
            QUATERNION,
        ),
        of("Rotation.align_vectors", lambda a, b: align(Rotation, a, b), VECTORS, ANGLES),
        of("Rotation.reduce", lambda q: r(q).reduce().as_quat(), QUATERNION),
        of("RigidTransform.from_matrix", lambda m: rigid(RigidTransform, m), MATRIX),
        of(
            "RigidTransform.apply",
            lambda t, v: RigidTransform.from_translation(t).apply(v),
            VECTORS,
            ANGLES,
        ),
        of(
            "RigidTransform.from_components",
            lambda t, q: RigidTransform.from_components(t, r(q)).as_matrix(),
            VECTORS,
            QUATERNION,
        ),
        of(
            "RigidTransform.as_exp_coords",
            lambda t, q: RigidTransform.from_components(t, r(q)).as_exp_coords(),
            VECTORS,
            QUATERNION,
        ),
        of(
            "RigidTransform.from_exp_coords",
            lambda c: RigidTransform.from_exp_coords(c).as_matrix(),
            [[0.3, 0.7, -0.4, 1.1, -0.6, 0.2]],
        ),
        of(
            "RigidTransform.as_dual_quat",
            lambda t, q: RigidTransform.from_components(t, r(q)).as_dual_quat(),
            VECTORS,
            QUATERNION,
        ),
    ]


def align(rotation: Any, a: Any, b: Any) -> Any:
    """The rotation that takes some vectors to others, as a matrix, and what is left."""
    found, rest = rotation.align_vectors(a, b)
    return found.as_matrix(), rest


def rigid(transform: Any, matrix: Any) -> Any:
    """A rigid transform from the rows of a matrix as translations."""
    return transform.from_translation(matrix).inv().as_matrix()


def _clusters() -> list[Case]:
    from scipy import cluster
    from scipy.spatial import distance

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.{name}", function, *arrays)

    return [
        of("cluster.vq.whiten", cluster.vq.whiten, POINTS),
        of("cluster.vq.vq", cluster.vq.vq, POINTS, POINTS[::3]),
        of("cluster.vq.kmeans", lambda x: cluster.vq.kmeans(x, beside(x, POINTS[::3])), POINTS),
        of("cluster.hierarchy.linkage", cluster.hierarchy.linkage, POINTS),
        of("cluster.hierarchy.ward", cluster.hierarchy.ward, POINTS),
        of("spatial.distance.pdist", distance.pdist, POINTS),
        of("spatial.distance.cdist", distance.cdist, POINTS, POINTS[::2]),
        of("spatial.distance.euclidean", distance.euclidean, VALUES, Y[:6]),
        of("spatial.distance.cosine", distance.cosine, VALUES, Y[:6]),
    ]


def _roots_and_slopes() -> list[Case]:
    from scipy import differentiate, optimize
    from scipy.optimize import elementwise as find

    def of(name: str, function: Any, *arrays: Any, step: float = 1e-4) -> Case:
        return case(f"scipy.{name}", function, *arrays, step=step)

    def f(x: Any, k: Any) -> Any:
        return x * x * x + k * x - 2.0

    def valley(x: Any, k: Any) -> Any:
        return (x - k) * (x - k) + 0.1 * x

    return [
        of("optimize.rosen", optimize.rosen, Y, step=1e-6),
        of("optimize.rosen_der", optimize.rosen_der, Y, step=1e-6),
        of("optimize.rosen_hess", optimize.rosen_hess, Y, step=1e-6),
        of("optimize.rosen_hess_prod", optimize.rosen_hess_prod, Y, Y[::-1], step=1e-6),
        of(
            "optimize.elementwise.find_root",
            lambda k: find.find_root(f, ends(k, 0.0, 2.0), args=(k,)).x,
            AT,
        ),
        of(
            "optimize.elementwise.find_minimum",
            lambda k: find.find_minimum(valley, ends(k, 0.0, 2.0, 6.0), args=(k,)).f_x,
            [1.4, 2.2, 3.1],
        ),
        of(
            "optimize.elementwise.bracket_root",
            lambda k: find.bracket_root(f, k, args=(k,)).bracket,
            AT,
        ),
        of("differentiate.derivative", lambda x: differentiate.derivative(np_cos, x).df, AT),
        of(
            "differentiate.jacobian",
            lambda x: differentiate.jacobian(lambda x: np_cos(x) * 2, x).df,
            AT[:2],
        ),
        of("optimize.newton", lambda k: optimize.newton(f, 1.0, args=(k,)), 0.7),
        of("optimize.brentq", lambda k: optimize.brentq(f, 0.0, 2.0, args=(k,)), 0.7),
        of("optimize.approx_fprime", lambda x: optimize.approx_fprime(x, optimize.rosen), Y[:3]),
    ]


def _others() -> list[Case]:
    from scipy import constants, linalg, special
    from scipy.spatial import procrustes

    def of(name: str, function: Any, *arrays: Any) -> Case:
        return case(f"scipy.{name}", function, *arrays)

    square = MATRIX
    of_matrices = (
        "inv det pinv expm logm sqrtm cosm sinm tanm eigvals eigvalsh svdvals cholesky lu qr svd "
        "null_space orth polar schur hessenberg"
    )
    return [
        *(of(f"linalg.{name}", getattr(linalg, name), square) for name in of_matrices.split()),
        of("linalg.norm", linalg.norm, square),
        of("linalg.solve", linalg.solve, square, VECTORS[0]),
        of("linalg.lstsq", lambda a, b: linalg.lstsq(a, b)[0], POINTS, VALUES),
        of("linalg.block_diag", linalg.block_diag, square, VECTORS),
        of("linalg.fiedler", linalg.fiedler, VALUES),
        of("linalg.toeplitz", linalg.toeplitz, VALUES),
        of("linalg.orthogonal_procrustes", linalg.orthogonal_procrustes, square, MATRIX[::-1]),
        of("linalg.khatri_rao", linalg.khatri_rao, square, VECTORS),
        of("linalg.bandwidth", linalg.bandwidth, square),
        of("spatial.procrustes", procrustes, POINTS, POINTS[::-1]),
        of(
            "constants.convert_temperature",
            lambda t: constants.convert_temperature(t, "C", "F"),
            AT,
        ),
        of("constants.lambda2nu", lambda x: constants.lambda2nu(x) / 1e9, AT),
        of("constants.nu2lambda", lambda x: constants.nu2lambda(x) / 1e9, AT),
        of("special.logsumexp of logs", lambda x: special.logsumexp(x * 2), VALUES),
    ]
