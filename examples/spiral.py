"""Three spirals that no straight line can part: a dense network with one hidden layer does.

Source of the data: CS231n, Putting it together: minimal neural network case study.
"""

import argparse
from pathlib import Path

import numpy as np

import xad
from xad import nn, viz

CLASSES = 3


def spirals(points, seed):
    """Points on three arms that wind around the origin, and the number of the arm of each."""
    rng = np.random.default_rng(seed)
    radius = np.tile(np.linspace(0.0, 1.0, points), CLASSES)
    arm = np.repeat(np.arange(CLASSES), points)
    angle = 4.0 * (arm + radius) + 0.2 * rng.normal(size=CLASSES * points)
    where = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)
    return where.astype(np.float32), arm


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100, help="in each class")
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the pictures go")
    parser.add_argument("--quick", action="store_true", help="fewer epochs, a coarser picture")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    epochs = min(options.epochs, 200) if options.quick else options.epochs

    points, labels = spirals(options.points, options.seed)
    result = nn.fit(
        nn.mlp(2, options.hidden, CLASSES, rng=options.seed),
        (points, labels),
        loss=nn.softmax_cross_entropy,
        metrics={"accuracy": nn.accuracy},
        optimizer=nn.Adam(options.rate),
        epochs=epochs,
        batch_size=len(points),
        seed=options.seed,
        progress=False,
    )
    model = result.model
    share = float(nn.accuracy(model(xad.asarray(points)), xad.asarray(labels)))
    print(f"{len(points)} points, {model}")
    print(f"accuracy after {epochs} epochs: {share:.2%}")

    viz.decision_regions(
        model,
        points,
        labels,
        resolution=80 if options.quick else 300,
        title=f"{share:.1%} of the points lie in their own region",
        path=options.out / "spiral-regions.png",
    )
    viz.curves(result.history, path=options.out / "spiral-curves.png")
    for name in ("regions", "curves"):
        print("wrote", options.out / f"spiral-{name}.png")


if __name__ == "__main__":
    main()
