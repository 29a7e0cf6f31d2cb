"""Pictures: the right numbers on the right edges, files that parse, and a layout that fits."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import xad
from xad import viz
from xad.errors import BackendError, GraphError, ShapeError
from xad.viz.layout import Box, _crossings, _reduce_crossings, _spread, lay_out, shape_size
from xad.viz.text import show

SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"


def float32(x, **options):
    return xad.asarray(x, dtype=xad.float32, **options)


def edges(drawing):
    """(from, to, value, gradient) of each edge, by labels."""
    vertices = drawing.graph.vertices
    return [
        (vertices[e.source].label, vertices[e.target].label, e.value, e.gradient)
        for e in drawing.graph.edges
    ]


def texts(svg, name):
    """The texts of one class in a picture."""
    root = ET.fromstring(svg)
    return [t.text for t in root.iter(f"{SVG}text") if name in t.get("class").split()]


NEURON = [
    ("W", "×", "2", "6"),
    ("x", "×", "3", "4"),
    ("×", "+", "6", "2"),
    ("b", "+", "1", "2"),
    ("+", "output", "7", "2"),
]


def test_each_edge_carries_its_value_and_its_gradient():
    arguments = (float32(2.0), float32(3.0), float32(1.0))
    drawing = viz.draw(lambda W, x, b: W * x + b, *arguments, cotangent=2.0)
    assert edges(drawing) == NEURON
    assert texts(drawing.svg, "value") == ["2", "3", "6", "1", "7", "value, forward →"]
    assert texts(drawing.svg, "gradient") == ["6", "4", "2", "2", "2", "← gradient, back"]
    assert texts(drawing.svg, "sign") == ["×", "+"]
    assert texts(drawing.svg, "name") == ["W", "x", "b", "output"]


@pytest.mark.parametrize("after_backward", [False, True])
def test_the_graph_behind_a_tensor(after_backward):
    W, x, b = (float32(v, requires_grad=True) for v in (2.0, 3.0, 1.0))
    y = W * x + b
    if after_backward:
        y.backward(2.0)
    drawing = viz.draw(y, names={"W": W, "x": x, "b": b}, cotangent=2.0)
    # The graph keeps no sum's operands: the product is known by its type alone.
    assert sorted(edges(drawing)) == sorted([*NEURON[:2], ("×", "+", "float32", "2"), *NEURON[3:]])
    assert (W.grad is not None) == after_backward
    if after_backward:
        assert float(W.grad) == 6.0


def test_without_names_kept_values_are_shown_and_the_others_by_shape():
    x = float32([1.0, 2.0], requires_grad=True)
    drawing = viz.draw(xad.sum(x * x + 1.0))
    assert edges(drawing) == [
        ("x0", "×", "[1, 2]", "[1, 2]"),
        ("x0", "×", "[1, 2]", "[1, 2]"),
        ("×", "+", "float32[2]", "[1, 1]"),
        ("const", "+", "", ""),
        ("+", "Σ", "float32[2]", "[1, 1]"),
        ("Σ", "output", "7", "1"),
    ]
    assert list(drawing.graph.totals.values()) == ["[2, 4]"]


def test_gradients_over_several_edges_add_up_below_the_vertex():
    drawing = viz.draw(lambda x, y: (2 * x * x + 2 * y) / 4, float32(2.0), float32(3.0))
    from_x = [e for e in edges(drawing) if e[0] == "x"]
    assert [(value, gradient) for _, _, value, gradient in from_x] == [("2", "1"), ("2", "1")]
    assert drawing.graph.totals == {0: "2"}
    assert "sum 2" in texts(drawing.svg, "gradient")
    assert texts(drawing.svg, "constant") == ["2", "2", "4"]


def test_gradients_are_those_of_grad():
    def f(x):
        return xad.sum(xad.sin(x) * xad.exp(x))

    x = float32([0.5, -1.25, 2.0])
    (into_sin, into_exp) = [e for e in edges(viz.draw(f, x)) if e[0] == "x"]
    total = np.fromstring(into_sin[3][1:-1], sep=",") + np.fromstring(into_exp[3][1:-1], sep=",")
    np.testing.assert_allclose(total, xad.grad(f)(x).numpy(), rtol=1e-3)


def test_inputs_are_trees_and_integers_have_no_gradient():
    def f(parameters, index):
        return parameters["w"][0] * xad.sum(parameters["b"]) * xad.astype(index, xad.float32)

    parameters = {"w": [float32(2.0)], "b": float32(np.ones((3, 4)))}
    drawing = viz.draw(f, parameters, xad.asarray(3))
    by_source = {source: (value, gradient) for source, _, value, gradient in edges(drawing)}
    assert by_source["parameters['w'][0]"] == ("2", "36")
    assert by_source["parameters['b']"] == ("float32[3, 4]", "float32[3, 4]")
    assert by_source["index"] == ("3", "")


def test_names_may_be_told():
    def f(*factors):
        return factors[0] * factors[1]

    told = viz.draw(f, float32(2.0), float32(3.0), names=("left", "right"))
    assert [e[0] for e in edges(told)][:2] == ["left", "right"]
    assert [e[0] for e in edges(viz.draw(f, float32(2.0), float32(3.0)))][:2] == ["x0", "x1"]


def test_several_outputs_and_an_unused_input():
    drawing = viz.draw(lambda x, unused: (xad.sin(x), x), float32(0.0), float32(1.0))
    assert [e[1:] for e in edges(drawing)] == [
        ("sin", "0", "1"),
        ("output 0", "0", "1"),
        ("output 1", "0", "1"),
    ]
    assert [v.label for v in drawing.graph.vertices if v.kind == "input"] == ["x", "unused"]
    ET.fromstring(drawing.svg)


def test_an_operation_with_several_outputs():
    def f(x):
        first, second = xad.unstack(x)
        return first * second * second

    x = float32([2.0, 3.0], requires_grad=True)
    for drawing in (viz.draw(f, float32([2.0, 3.0])), viz.draw(f(x), names={"x": x})):
        assert [v.label for v in drawing.graph.vertices].count("unstack") == 1
        found = edges(drawing)
        assert found[0] == ("x", "unstack", "[2, 3]", "[9, 12]")
        assert sorted(e[3] for e in found if e[0] == "unstack") == ["6", "6", "9"]
        assert drawing.graph.totals == {}


def test_where_nothing_flows_back_there_still_is_a_picture():
    drawing = viz.draw(lambda n: n + 1, xad.asarray(1))
    assert edges(drawing) == [("n", "+", "1", ""), ("1", "+", "", ""), ("+", "output", "2", "")]
    assert texts(drawing.svg, "gradient") == []


def test_a_transformation_is_drawn_as_what_it_does():
    drawing = viz.draw(xad.grad(lambda x: xad.sin(x) * 3.0), float32(0.0))
    assert "cos" in [v.label for v in drawing.graph.vertices]
    assert edges(drawing)[-1][2] == "3"


def test_comparisons_and_choices_carry_no_gradient_back():
    drawing = viz.draw(lambda x: xad.where(x > 1.0, x * 2.0, x), float32(3.0))
    assert (">", "where", "True", "") in edges(drawing)
    assert [e for e in edges(drawing) if e[1] == "output"] == [("where", "output", "6", "1")]


def wave(x):
    return {"y": xad.sin(x) * 2 + np.asarray([1.0, 2.0, 3.0]), "seven": 7.0}


def test_a_recorded_program_is_drawn_without_values():
    program = xad.make_program(wave)(np.asarray([0.0, 1.0, 2.0]))
    expected = [
        ("a", "sin", "float64[3]", ""),
        ("sin", "×", "float64[3]", ""),
        ("2", "×", "", ""),
        ("×", "+", "float64[3]", ""),
        ("[1, 2, 3]", "+", "", ""),
        ("7", "output 0", "", ""),
        ("+", "output 1", "float64[3]", ""),
    ]
    assert edges(viz.draw(program)) == expected
    assert edges(viz.draw(program.listing, names=["a"])) == expected
    assert edges(viz.draw(program, names=["x"]))[0][0] == "x"
    assert edges(viz.draw(program, np.zeros(3)))[0] == ("x0", "sin", "[0, 0, 0]", "[2, 2, 2]")


def test_a_program_of_nothing_is_drawn_as_nothing():
    drawing = viz.draw(xad.make_program(lambda: ())())
    assert drawing.graph.vertices == []
    assert ET.fromstring(drawing.svg).tag == f"{SVG}svg"
    assert drawing.dot.startswith("digraph")


def test_what_a_jitted_function_runs_is_drawn():
    f = xad.jit(lambda a, b: xad.linalg.qr(a)[0] @ b)
    f(np.ones((2, 2)), np.ones(2))
    drawing = viz.draw(f.listing)
    assert ("a", "qr", "float64[2, 2]", "") in edges(drawing)
    assert edges(drawing)[-1][1:] == ("output", "float64[2]", "")
    assert ET.fromstring(drawing.svg).tag == f"{SVG}svg"


def test_files_and_notebooks(tmp_path):
    drawing = viz.draw(lambda x: xad.exp(x), float32(0.0), path=tmp_path / "exp.svg")
    assert (tmp_path / "exp.svg").read_text("utf-8") == drawing.svg == drawing._repr_svg_()
    assert drawing.save(tmp_path / "exp.gv").read_text("utf-8") == drawing.dot
    drawing.save(tmp_path / "exp.txt", "dot")
    assert (tmp_path / "exp.txt").read_text("utf-8") == drawing.dot
    assert repr(drawing) == "<Drawing of 1 operations>"
    with pytest.raises(ValueError, match=r"expected 'svg' or 'dot', got '.png'"):
        drawing.save(tmp_path / "exp.png")


def test_dot_text():
    lines = viz.draw(lambda x: 2 * xad.exp(x), float32(0.0)).dot.splitlines()
    assert lines[0] == "digraph computation {"
    assert lines[-1] == "}"
    arrows = [line.strip() for line in lines if "->" in line]
    green, red = '<font color="#1a7f37">', '<font color="#cf222e">'
    assert arrows[0] == f"v0 -> v1 [label=<{green}0</font><br/>{red}2</font>>];"
    assert arrows[1].endswith("[style=dashed];")


def test_names_are_escaped():
    drawing = viz.draw(lambda x: x * 1.0, float32(2.0), names=('<&"\\>',))
    assert texts(drawing.svg, "name") == ['<&"\\>', "output"]
    assert 'label="<&\\"\\\\>"' in drawing.dot


def program_of_one():
    return xad.make_program(lambda x: x + 1)(np.asarray(1.0))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: viz.draw(float32(1.0)), GraphError, "requires_grad=True"),
        (lambda: viz.draw(3), TypeError, "a function, a program or a tensor"),
        (lambda: viz.draw(float32(1.0, requires_grad=True), names=["x"]), TypeError, "names="),
        (lambda: viz.draw(program_of_one(), cotangent=1.0), TypeError, "no arguments and no cot"),
        (lambda: viz.draw(program_of_one().listing, 1.0), TypeError, "draws it with values"),
        (lambda: viz.draw(program_of_one(), names=["x", "y"]), ShapeError, "each of 1 inputs"),
    ],
)
def test_errors_say_what_to_do(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0"),
        (1 / 3, "0.3333"),
        (12345678.0, "1.235e+07"),
        (float("nan"), "nan"),
        (True, "True"),
        (7, "7"),
        (1 - 2j, "1-2j"),
        (None, ""),
        (np.asarray([[1.0, 2.0]]), "[[1, 2]]"),
        (np.zeros((2, 4)), "float64[2, 4]"),
        (np.full(4, 1 / 3), "float64[4]"),
        (np.zeros((0,)), "[]"),
    ],
)
def test_short_texts(value, text):
    assert show(value) == text


def network(depth):
    def f(x, *weights):
        for w in weights:
            x = xad.tanh(x @ w) + x
        return xad.sum(x * x)

    return f, [float32(np.eye(3))] * (depth + 1)


@pytest.mark.parametrize("depth", [1, 4])
def test_nothing_overlaps(depth):
    f, arguments = network(depth)
    graph = viz.draw(f, *arguments).graph
    layout = lay_out(graph)
    boxes = [*layout.vertices, *(box for box in layout.labels if box is not None)]
    for a, b in combinations(boxes, 2):
        apart = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6
        assert apart or abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-6
    for box in boxes:
        assert box.width / 2 <= box.x + 1e-6 <= layout.width - box.width / 2 + 2e-6
        assert box.height / 2 <= box.y + 1e-6 <= layout.height - box.height / 2 + 2e-6
    for route in layout.routes:
        assert [b.layer - a.layer for a, b in pairwise(route)] == [1] * (len(route) - 1)
    for vertex, box in zip(graph.vertices, layout.vertices, strict=True):
        assert shape_size(vertex)[0] <= box.width


def test_crossings_are_counted_and_removed():
    left, right = ([Box(1, 1, layer) for _ in range(3)] for layer in (0, 1))
    for i, j in enumerate((2, 1, 0)):
        left[i].after.append(right[j])
        right[j].before.append(left[i])
    for layer in (left, right):
        for i, box in enumerate(layer):
            box.order = i
    assert _crossings([left, right]) == 3
    _reduce_crossings([left, right])
    assert _crossings([left, right]) == 0


def test_boxes_are_pushed_apart_as_little_as_possible():
    boxes = [Box(1, 5, 0) for _ in range(3)]  # 20 from centre to centre
    _spread(boxes, [0.0, 0.0, 100.0])
    assert [box.y for box in boxes] == [-10.0, 10.0, 100.0]


def test_a_long_chain_is_drawn():
    def chain(x):
        for _ in range(300):
            x = xad.sin(x)
        return x

    assert viz.draw(chain, float32(1.0)).svg.count(">sin<") == 300


HISTORY = {
    "loss": [2.0, 1.0],
    "validation_loss": [2.5, 1.5],
    "accuracy": [0.5, 0.75],
    "seconds": [],
}


def charts(path):
    rng = np.random.default_rng(0)
    points = float32(rng.normal(size=(30, 2)))
    labels = xad.asarray(np.arange(30) % 3)

    def predict(x):
        return xad.stack([x[:, 0], x[:, 1], -x[:, 0] - x[:, 1]], axis=1)

    return {
        "curves": lambda: viz.curves(HISTORY, path=path),
        "heat_map": lambda: viz.heat_map(np.eye(4), marks=[("a", (1, 2))], path=path),
        "regions": lambda: viz.decision_regions(predict, points, labels, resolution=20, path=path),
        "confusion": lambda: viz.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2], path=path),
        "images": lambda: viz.images(float32(rng.normal(size=(5, 3, 3))), path=path),
    }


@pytest.mark.parametrize("name", list(charts(None)))
def test_charts_are_drawn_without_pyplot(name, tmp_path, require_library):
    require_library("matplotlib")
    before = "matplotlib.pyplot" in sys.modules
    path = tmp_path / "chart.png"
    figure = charts(path)[name]()
    assert path.read_bytes().startswith(PNG)
    assert figure.axes
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_charts_show_what_they_are_given(require_library):
    require_library("matplotlib")
    loss, accuracy = viz.curves(HISTORY).axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert accuracy.get_title() == "accuracy"
    (matrix,) = viz.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2]).axes
    assert sorted(text.get_text() for text in matrix.texts) == ["1", "1", "1", "1"]
    assert matrix.get_title() == "75.00% right"
    low, high = viz.heat_map([[[0.0, 1.0]], [[2.0, 3.0]]], titles=["a", "b"]).axes[:2]
    assert (low.get_title(), high.get_title()) == ("a", "b")
    assert low.images[0].get_clim() == high.images[0].get_clim() == (0.0, 3.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: viz.curves({}),
        lambda: viz.heat_map([1.0, 2.0]),
        lambda: viz.images([[1.0, 2.0]]),
        lambda: viz.confusion_matrix([0, 1], [0]),
        lambda: viz.decision_regions(abs, np.zeros((3, 3)), np.zeros(3)),
    ],
)
def test_charts_refuse_what_does_not_fit(make):
    with pytest.raises(ValueError, match=r"viz\.\w+: expected"):
        make()


def test_without_matplotlib_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BackendError, match=r'pip install "xad-arrays\[viz\]"'):
        viz.images(np.zeros((1, 2, 2)))


def test_graphs_need_no_matplotlib():
    code = "import sys; from xad import viz; viz.draw(abs, 2.0); print('matplotlib' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "False\n"
