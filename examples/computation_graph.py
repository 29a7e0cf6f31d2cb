"""A computation graph by the numbers: values flow forward, gradients flow back.

Draws W * x + b with an error of 2 pushed back through it, and (2x² + 2y) / 4 with its gradients, as
SVG and as DOT (for Graphviz). Needs nothing but xad.
"""

import argparse
from pathlib import Path

import xad
from xad import viz


def neuron(W, x, b):
    return W * x + b


def polynomial(x, y):
    return (2 * x**2 + 2 * y) / 4


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the pictures go")
    parser.add_argument("--quick", action="store_true", help="no difference here: it is quick")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    # As a program would do it: tensors that remember, and .backward().
    W = xad.asarray(2.0, requires_grad=True)
    x = xad.asarray(3.0, requires_grad=True)
    b = xad.asarray(1.0, requires_grad=True)
    y = neuron(W, x, b)
    y.backward(2.0)
    print(f"W * x + b = {float(y):g}")
    print("an error of 2 pushed back gives")
    for name, tensor in {"W": W, "x": x, "b": b}.items():
        print(f"    {name}: {float(tensor.grad):g}")

    # As mathematics would put it: the gradient of a function is a function.
    value, (dx, dy) = xad.value_and_grad(polynomial, argnums=(0, 1))(2.0, 3.0)
    print(f"(2x² + 2y) / 4 at x = 2, y = 3 is {float(value):g}")
    print(f"    d/dx = x   = {float(dx):g}")
    print(f"    d/dy = 1/2 = {float(dy):g}")

    pictures = {
        "neuron": viz.draw(neuron, 2.0, 3.0, 1.0, cotangent=2.0),
        "polynomial": viz.draw(polynomial, 2.0, 3.0),
    }
    for name, picture in pictures.items():
        for suffix in ("svg", "dot"):
            print("wrote", picture.save(options.out / f"graph-{name}.{suffix}"))


if __name__ == "__main__":
    main()
