"""Other people's array-API code on tracked tensors: a sample of what ci/thirdparty calls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from thirdparty import report
from thirdparty.judging import Case, case, differences, imperatively, judge
from thirdparty.registry import LIBRARIES, SAMPLE

import xad
from xad.testing import place

ROOT = Path(__file__).resolve().parent.parent
X = [0.3, 1.2, 2.1]


# ---- the judge itself ----------------------------------------------------------------------------


def doubled(x):
    return x * 2


JUDGED = {
    "agree": lambda x: x * x,
    "constant": lambda x: x.__array_namespace__().floor(x) if isinstance(x, xad.Tensor) else x // 1,
    "refuse": lambda x: np.asarray(x) * 2,
    "detached": lambda x: xad.stop_gradient(x) * 2 if isinstance(x, xad.Tensor) else x * 2,
    "wrong": lambda x: x * 3 if isinstance(x, xad.Tensor) else x * 2,
}


@pytest.mark.parametrize("kind", JUDGED)
@pytest.mark.parametrize("way", ["grad", "imperative"])
def test_the_judge_tells_the_classes_apart(kind, way):
    ways = {"imperative": {"way": imperatively}, "grad": {}}[way]
    assert judge(case("a.call", JUDGED[kind], X), place("numpy"), **ways).kind == kind


def test_a_gradient_that_is_lost_in_part_is_detached():
    def half(x):
        return x * x, (xad.stop_gradient(x) if isinstance(x, xad.Tensor) else x) * 2

    assert judge(case("a.call", half, X), place("numpy")).kind == "detached"


def test_a_number_instead_of_an_array_is_detached():
    def number(x):
        return xad.sum(x).item() if isinstance(x, xad.Tensor) else float(np.sum(x))

    assert judge(case("a.call", number, X), place("numpy")).kind == "detached"


def test_a_wrong_value_is_wrong():
    def shifted(x):
        return x + 1 if isinstance(x, xad.Tensor) else x

    assert judge(case("a.call", shifted, X), place("numpy")).kind == "wrong"


def test_differences_of_complex_results_and_several_arguments():
    a, b = np.asarray(X), np.asarray([2.0, 0.5, 1.0])
    by_a, by_b = differences(lambda a, b: (a * b, [np.exp(1j * a)]), (a, b), 1e-6)
    verdict = judge(Case("a.call", lambda a, b: (a * b, [np.exp(1j * a)]), (a, b)), place("numpy"))
    assert verdict.kind == "agree"
    np.testing.assert_allclose(verdict.gradients[0], by_a, rtol=1e-6)
    np.testing.assert_allclose(verdict.gradients[1], by_b, rtol=1e-6)


# ---- the calls -----------------------------------------------------------------------------------


def kind_of(found):
    """The class in a line of the JSON, before the reason."""
    return found.partition(":")[0]


def test_a_sample_of_calls_gives_what_it_is_known_to(tmp_path, require_library):
    for name in ("scipy", "sklearn", "array_api_extra", "array_api_strict"):
        require_library(name)
    out = tmp_path / "page.md"
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    inherited = {name: x for name, x in os.environ.items() if name != "XAD_DEVICE"}
    # In a process of its own: SciPy reads its switch when it is imported.
    run = subprocess.run(
        [sys.executable, "-m", "thirdparty", "--sample", "--out", str(out)],
        env={**inherited, "XAD_BACKEND": "numpy", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    calls = json.loads(out.with_suffix(".json").read_text("utf-8"))["calls"]
    assert {name: kind_of(found) for name, found in calls["numpy"].items()} == SAMPLE
    for name, found in calls["array_api_strict"].items():
        assert kind_of(found) in (SAMPLE[name], "refuse"), (name, found)
    page = out.read_text("utf-8")
    assert "| numpy | scipy |" in page
    assert "`skew` (axis=1)" in page
    assert "takes the values out with `np.asarray`" in page
    assert "`scipy.signal.butter`" in page


def test_too_few_agreeing_calls_are_found():
    found = {"numpy": [judge(case("scipy.call", doubled, X), place("numpy"))]}
    assert report.too_few(found, LIBRARIES) == [
        f"numpy: 1 calls of scipy agree, not {LIBRARIES['scipy']['numpy']}"
    ]


def test_the_page_in_the_documentation_has_no_lost_gradient():
    page = ROOT / "docs" / "thirdparty.json"
    facts = json.loads(page.read_text("utf-8"))
    for backend, calls in facts["calls"].items():
        assert not {"detached", "wrong"} & set(map(kind_of, calls.values()))
        for library, least in LIBRARIES.items():
            agree = [n for n, c in calls.items() if n.startswith(library) and c == "agree"]
            assert len(agree) >= least[backend]
