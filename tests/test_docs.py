"""The documentation: its snippets run, its tables are true, its links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import xad
from xad.testing.database import op_database

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WRITTEN = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
NEEDS_MATPLOTLIB = {"training.md"}


@pytest.fixture(autouse=True)
def numpy_selected():
    """What the pages show is what NumPy on the host prints."""
    with xad.use_backend("numpy"), np.errstate(all="ignore"):
        yield


def name_of(page):
    return page.name


def blocks_of(page):
    """The blocks of Python on a page."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [p for p in PAGES if ">>>" in p.read_text("utf-8")], ids=name_of)
def test_snippets_run(page, require_library):
    if page.name in NEEDS_MATPLOTLIB:
        require_library("matplotlib")
    test = doctest.DocTestParser().get_doctest(
        "\n".join(blocks_of(page)), {}, page.name, str(page), lineno=0
    )
    report = []
    result = doctest.DocTestRunner().run(test, out=report.append)
    assert result.attempted
    assert not result.failed, "".join(report)


def test_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    shown = 0
    for block in blocks_of(ROOT / "README.md"):
        exec(compile(block, "README.md", "exec"), names)
        for expression, printed in re.findall(r"^(\S+)  # (\w+\(.*\))$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == printed
            shown += 1
    assert shown
    assert names["result"].history["validation_accuracy"][-1] > 0.95
    assert (tmp_path / "digits.npz").exists()


def test_contributing_quotes_the_code():
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "xad").rglob("*.py"))
    quotes = re.findall(
        r"^ *```python\n(.*?)^ *```$",
        (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    assert len(quotes) > 2
    for quote in quotes:
        assert quote.strip() in source


def claims():
    """Each row of the tables of conventions: what it is about, the gradient, what it should be."""
    row = re.compile(r"^\| ([^|]+) \| `(g\(.*)` \| `([^|]+)` \| [^|]+ \|$", re.MULTILINE)
    return row.findall((DOCS / "subgradients.md").read_text("utf-8"))


def gradient(f, *arguments):
    """The gradient of the sum of ``f`` by all of its arguments."""
    arrays = [np.asarray(x) for x in arguments]
    found = xad.grad(lambda *x: xad.sum(xad.real(z) if is_complex(z := f(*x)) else z),
                     argnums=tuple(range(len(arrays))))(*arrays)  # fmt: skip
    return found if len(found) > 1 else found[0]


def is_complex(x):
    return xad.isdtype(x.dtype, "complex floating")


@pytest.mark.parametrize(
    ("expression", "expected"), [claim[1:] for claim in claims()], ids=[c[0] for c in claims()]
)
def test_conventions_hold(expression, expected):
    found = eval(expression, {"g": gradient, "xad": xad, "nan": np.nan})
    expected = eval(expected, {"nan": np.nan, "inf": np.inf})
    found = found if isinstance(found, tuple) else (found,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, np.asarray(b, dtype=float), rtol=1e-14, atol=1e-15)


def test_all_conventions_are_read():
    rows = re.findall(r"^\| .*`g\(", (DOCS / "subgradients.md").read_text("utf-8"), re.MULTILINE)
    assert len(claims()) == len(rows) > 20


@pytest.mark.parametrize("name", ["derivatives.md", "neuron.svg"])
def test_generated_pages_are_up_to_date(name):
    make = runpy.run_path(str(DOCS / "generate.py"))["GENERATED"][name]
    assert (DOCS / name).read_text("utf-8") == make(), "run python docs/generate.py"


@pytest.fixture(scope="module")
def coverage():
    """What docs/coverage.py defines."""
    return runpy.run_path(str(DOCS / "coverage.py"))


def test_the_coverage_page_is_what_the_runs_found(coverage):
    assert (DOCS / "coverage.md").read_text("utf-8") == coverage["page"](), (
        "run python docs/coverage.py"
    )


def test_every_operation_has_a_row_on_the_coverage_page(coverage):
    rows = re.findall(r"^\| `([\w.]+)` \|", (DOCS / "coverage.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(op_database)


def test_the_runs_say_when_and_with_what_they_were_made(coverage):
    for name, run in coverage["results"]().items():
        assert name in coverage["BACKENDS"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", run["date"])
        assert run["version"]
        assert run["device"]
        for gaps in run["operations"].values():
            assert gaps.keys() <= coverage["CHECKS"].keys()
            assert all(reason.startswith(("missing: ", "wrong: ")) for reason in gaps.values())


def test_cells_of_the_coverage_page(coverage):
    of_library, of_check = coverage["cell_of_library"], coverage["cell_of_check"]
    assert of_library("cupy", None) == "not measured"
    assert of_library("jax", None) == "not run"
    assert of_library("jax", {}) == "yes"
    assert of_library("jax", {"batch": "missing: x"}) == "partly"
    assert of_library("jax", {"forward": "missing: x", "vjp": "missing: x"}) == "no"
    assert of_check({}, "vjp", op_database["floor"]) == "–"
    assert of_check({}, "vjp", op_database["sin"]) == "yes"
    assert of_check({"vjp": "wrong: x"}, "vjp", op_database["sin"]) == "no"


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_on_the_pages_is_python(page):
    for block in blocks_of(page):
        for example in doctest.DocTestParser().get_examples(block):
            ast.parse(example.source)


def test_the_readme_counts_the_special_functions(require_library):
    require_library("scipy")
    import scipy.special

    own = ["affine", "relu", "softmax_cross_entropy"]
    assert [name for name in own if hasattr(scipy.special, name)] == []
    count = len(set(xad.special.__all__) - set(own))
    words = f"({count} functions under SciPy's names, and `affine`, `relu` and"
    assert words in (ROOT / "README.md").read_text("utf-8")
