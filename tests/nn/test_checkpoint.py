"""Saving and loading, with crashes at every moment."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import xad
from xad import files, nn, tree


def model(seed=0, hidden=4, **options):
    return nn.mlp(3, hidden, 2, rng=seed, **options)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def same(a, b, to_host):
    pairs = zip(tree.leaves(a), tree.leaves(b), strict=True)
    return all(np.array_equal(to_host(x), to_host(y)) for x, y in pairs)


def test_there_and_back(tmp_path, to_host, here):
    path = tmp_path / "model.npz"
    nn.save(path, model(0))
    assert not same(model(0), model(1), to_host)
    loaded = nn.load(path, like=model(1))
    assert same(loaded, model(0), to_host)
    assert repr(loaded) == repr(model(0))
    leaf = loaded[0].weight
    assert isinstance(leaf, xad.Tensor)
    assert here.adapter.device_of(leaf.value) == here.device
    assert names_in(tmp_path) == ["model.npz"]


def test_numpy_reads_it(tmp_path, to_host):
    path = tmp_path / "model"
    nn.save(path, {"net": model(0), "epoch": 3})
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {
            "['epoch']",
            "['net'].layers[0].weight",
            "['net'].layers[0].bias",
            "['net'].layers[2].weight",
            "['net'].layers[2].bias",
        }
        np.testing.assert_array_equal(file["['net'].layers[0].weight"], to_host(model(0)[0].weight))


def test_another_library_can_load_it(tmp_path, everywhere):
    path = tmp_path / "model.npz"
    nn.save(path, model(0))
    with xad.use_backend(everywhere.adapter.name, everywhere.device):
        loaded = nn.load(path, like=model(1))
        assert same(loaded, model(0), everywhere.to_host)
    assert everywhere.adapter.device_of(loaded[0].bias.value) == everywhere.device


def test_training_goes_on_where_it_was(tmp_path, to_backend, to_host):
    adam, net = nn.Adam(0.1), model(0)
    gradients = tree.map(lambda x: x * 0 + 0.5, net)
    net, state = adam.update(gradients, adam.init(net), net)
    nn.save(tmp_path / "file", (net, state))
    again = nn.load(tmp_path / "file", like=(model(5), adam.init(model(5))))
    assert type(again[1].step) is int
    assert again[1].step == 1
    a, b = adam.update(gradients, state, net), adam.update(gradients, again[1], again[0])
    assert same(a[0], b[0], to_host)


def test_kinds_of_leaves(tmp_path, to_backend, to_host):
    leaves = {
        "raw": to_backend(np.arange(3)),
        "flag": True,
        "count": 7,
        "rate": 0.1,
        "phase": 1j,
        "nothing": None,
        "mask": to_backend(np.asarray([True, False])),
        "turned": to_backend(np.arange(6.0).reshape(2, 3)).T,
        "empty": to_backend(np.zeros((0, 2))),
    }
    nn.save(tmp_path / "file", leaves)
    got = nn.load(tmp_path / "file", like=leaves)
    assert [got[k] for k in ("flag", "count", "rate", "phase", "nothing")] == [
        True,
        7,
        0.1,
        1j,
        None,
    ]
    assert type(got["flag"]) is bool
    for name in ("raw", "mask", "turned", "empty"):
        assert type(got[name]) is type(leaves[name])
        np.testing.assert_array_equal(to_host(got[name]), to_host(leaves[name]))
    lone = to_backend(np.asarray(2.5))
    nn.save(tmp_path / "lone", lone)
    assert float(to_host(nn.load(tmp_path / "lone", like=lone))) == 2.5


def test_leaves_that_are_no_arrays_are_refused(tmp_path):
    with pytest.raises(TypeError, match=r"arrays and numbers as leaves, got str at \['name'\]"):
        nn.save(tmp_path / "file", {"name": "model"})
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (lambda: model(hidden=5), r"float32 of shape \(3, 5\) at \.layers\[0\]\.weight.*\(3, 4\)"),
        (lambda: model(dtype="float16"), r"expected float16 .*got float32"),
        (lambda: nn.mlp(3, 2, rng=0), r"got a file with \.layers\[2\]"),
        (lambda: nn.mlp(3, 4, 2, 2, rng=0), r"got a file without \.layers\[4\]"),
        (lambda: {"net": model()}, r"without \['net'\].* and 1 more and with \.layers"),
    ],
)
def test_a_file_that_does_not_fit_says_which_leaf(tmp_path, like, message, request, here):
    if "float16" in message and here.adapter.name == "array_api_strict":
        pytest.skip("array-api-strict has no float16")
    nn.save(tmp_path / "file", model())
    with pytest.raises(nn.CheckpointError, match=message):
        nn.load(tmp_path / "file", like=like())


def test_damaged_files(tmp_path):
    path = tmp_path / "file"
    nn.save(path, model(hidden=64))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    np.save(tmp_path / "one.npy", np.ones(3))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, **{".layers[0].weight": np.asarray([{}], dtype=object)})
    for content, message in [
        (b"", "got 0 bytes that cannot be read"),
        (whole[: len(whole) // 2], "cannot be read"),
        (whole[:-1], "cannot be read"),
        (bytes(flipped), "cannot be read"),
        (b"something else entirely", "cannot be read"),
        ((tmp_path / "one.npy").read_bytes(), "got one array"),
        (pickled.read_bytes(), "cannot be read"),
    ]:
        path.write_bytes(content)
        with pytest.raises(nn.CheckpointError, match=message):
            nn.load(path, like=model(hidden=64))
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "nowhere", like=model())


def test_a_foreign_archive(tmp_path):
    path = tmp_path / "file"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(nn.CheckpointError, match=r"without \.layers"):
        nn.load(path, like=model())


def fail(*arguments, **keywords):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", [(np, "savez"), (os, "fsync"), (Path, "replace"), (Path, "open")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, to_host, where):
    path = tmp_path / "file"
    nn.save(path, model(0))
    with monkeypatch.context() as broken:
        broken.setattr(*where, fail)
        with pytest.raises(OSError, match="No space left"):
            nn.save(path, model(1))
    assert names_in(tmp_path) == ["file"]
    assert same(nn.load(path, like=model(2)), model(0), to_host)


WRITER = """
import sys
from xad import nn
net = nn.mlp(200, 200, 200, rng=int(sys.argv[2]))
print("ready", flush=True)
while True:
    nn.save(sys.argv[1], net)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_killed_while_saving(tmp_path, to_host):
    """Whenever it is killed, the file is whole; the next save sweeps up what was left."""
    path = tmp_path / "model.npz"
    big = nn.mlp(200, 200, 200, rng=0)
    nn.save(path, big)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout.readline() == "ready\n"
        left = killed_with_leftovers(writer, tmp_path)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert left, "the process was not caught while saving"
    assert same(nn.load(path, like=nn.mlp(200, 200, 200, rng=1)), big, to_host)
    nn.save(path, big)
    assert names_in(tmp_path) == ["model.npz"]


def killed_with_leftovers(writer, folder):
    """Stop the process while a temporary file is there, kill it, and say what it left."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(name.endswith(".tmp") for name in names_in(folder)):
            writer.send_signal(signal.SIGSTOP)
            left = [name for name in names_in(folder) if name.endswith(".tmp")]
            if left:
                writer.kill()
                writer.wait()
                return [name for name in names_in(folder) if name.endswith(".tmp")]
            writer.send_signal(signal.SIGCONT)
    return []


def test_files_of_living_processes_and_of_others_are_not_swept(tmp_path):
    path = tmp_path / "file"
    living = tmp_path / f"{files._prefix(path)}{os.getpid()}-{'0' * 32}.tmp"
    elsewhere = tmp_path / f".file.another-machine.999999999-{'0' * 32}.tmp"
    for other in (living, elsewhere):
        other.write_bytes(b"")
    nn.save(path, model())
    assert living.exists()
    assert elsewhere.exists()


def test_a_link_is_followed(tmp_path, to_host):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    nn.save(tmp_path / "link", model(0))
    assert (tmp_path / "link").is_symlink()
    assert same(nn.load(tmp_path / "target", like=model(1)), model(0), to_host)
