"""A dense network learns to read handwritten digits.

At once and offline on 1,797 digits of 8 by 8 pixels that come with xad; on the 70,000 of MNIST with
--data (a folder with its four files) or --mnist (from the cache, else downloaded, 11 MB).
Draws the curves, the weights of the first layer and the confusion matrix.

    python examples/mnist.py                                         # a second
    python examples/mnist.py --mnist --hidden 100                    # sigmoids, gradient descent
    python examples/mnist.py --mnist --hidden 0                      # one weight per pixel
    python examples/mnist.py --mnist --activation relu --optimizer adam
    XAD_DEVICE=cuda python examples/mnist.py --mnist                 # on a GPU, with CuPy
"""

import argparse
import math
import time
from pathlib import Path

import xad
from xad import nn, viz

ACTIVATIONS = {"relu": nn.relu, "sigmoid": nn.sigmoid, "tanh": nn.tanh}


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder with the files of MNIST, .gz or not")
    parser.add_argument("--mnist", action="store_true", help="MNIST from the cache or the network")
    parser.add_argument("--hidden", type=int, default=100, help="hidden units; 0 for no such layer")
    parser.add_argument(
        "--activation", choices=ACTIVATIONS, help="default: sigmoid; relu for the small digits"
    )
    parser.add_argument(
        "--optimizer", choices=("adam", "sgd"), help="default: sgd; adam for the small digits"
    )
    parser.add_argument("--rate", type=float, help="of learning; by default one that fits")
    parser.add_argument("--epochs", type=int, help="passes over the data; by default enough")
    parser.add_argument("--batch", type=int, help="examples per step; 64 for adam, 32 for sgd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the pictures go")
    parser.add_argument("--quick", action="store_true", help="a third of the epochs")
    options = parser.parse_args(argv)
    is_small = options.data is None and not options.mnist
    options.activation = options.activation or ("relu" if is_small else "sigmoid")
    options.optimizer = options.optimizer or ("adam" if is_small else "sgd")
    return options


def load(options):
    if options.data is not None:
        return nn.load_mnist(options.data, download=False)
    return nn.load_mnist() if options.mnist else nn.load_digits()


def default_rate(options, is_small):
    """Rates that were found to work well."""
    if options.optimizer == "adam":
        return 1e-2 if is_small else 3e-3
    if options.hidden == 0:
        return 0.5 if is_small else 0.1
    return {"sigmoid": 0.5, "tanh": 0.1, "relu": 0.1}[options.activation]


def default_epochs(options, is_small):
    if is_small:
        return 30 if options.optimizer == "adam" else 60
    return 10 if options.optimizer == "adam" or options.hidden == 0 else 20


def make_optimizer(options, rate, steps):
    """Plain gradient descent; or Adam, slower and slower, with some decay of the weights."""
    if options.optimizer == "sgd":
        return nn.SGD(rate)
    return nn.AdamW(nn.cosine(rate, steps), weight_decay=0.1)


def make_model(options, inputs):
    hidden = [options.hidden] if options.hidden else []
    relu = options.activation == "relu"
    return nn.mlp(
        inputs,
        *hidden,
        10,
        activation=ACTIVATIONS[options.activation],
        init=nn.init.he_uniform if relu else nn.init.glorot_uniform,
        rng=options.seed,
    )


def draw(model, test, history, out):
    guesses = xad.argmax(model(xad.asarray(test.inputs)), axis=-1)
    viz.confusion_matrix(test.labels, guesses, path=out / "mnist-confusion.png")
    weights = model[0].weight.mT
    side = math.isqrt(weights.shape[1])
    viz.images(xad.reshape(weights, (-1, side, side)), path=out / "mnist-weights.png")
    viz.curves(history, path=out / "mnist-curves.png")
    for name in ("curves", "weights", "confusion"):
        print("wrote", out / f"mnist-{name}.png")


def main(argv=None):
    options = parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    train, test = load(options)
    is_small = len(train.inputs) < 10_000
    rate = options.rate or default_rate(options, is_small)
    epochs = options.epochs or default_epochs(options, is_small)
    if options.quick:
        epochs = math.ceil(epochs / 3)
    batch = options.batch or (64 if options.optimizer == "adam" else 32)
    model = make_model(options, train.inputs.shape[1])
    optimizer = make_optimizer(options, rate, epochs * math.ceil(len(train.inputs) / batch))
    print(f"{len(train.inputs)} digits to learn from, {len(test.inputs)} to be tested on")
    print(f"{model}, {options.optimizer} at rate {rate}, batches of {batch}")

    measures = {"loss": nn.softmax_cross_entropy, "metrics": {"accuracy": nn.accuracy}}
    start = time.perf_counter()
    result = nn.fit(
        model,
        train,
        validation=test,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch,
        seed=options.seed,
        **measures,
    )
    seconds = time.perf_counter() - start
    # The test digits choose nothing: it is the last model that counts, not the best on them.
    found = nn.evaluate(result.last, test, **measures)
    print(f"{epochs} epochs in {seconds:.1f} s")
    print(f"test accuracy: {found['accuracy']:.2%}")
    draw(result.last, test, result.history, options.out)


if __name__ == "__main__":
    main()
