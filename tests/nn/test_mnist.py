"""IDX files and MNIST: damaged files, the cache, and downloads from a server in this process."""

import gzip
import hashlib
import http.server
import struct
import threading
from functools import partial

import numpy as np
import pytest

from xad import nn
from xad.nn.data import mnist


def idx(array, code=0x08):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize(
    ("dtype", "code"),
    [("u1", 0x08), ("i1", 0x09), ("i2", 0x0B), ("i4", 0x0C), ("f4", 0x0D), ("f8", 0x0E)],
)
@pytest.mark.parametrize("packed", [False, True])
def test_read_idx(tmp_path, dtype, code, packed):
    array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    content = idx(array, code)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)
    got = nn.read_idx(path)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, array)
    got[0] = 0  # the array is one's own


def test_idx_files_that_are_damaged(tmp_path):
    good = idx(np.arange(24, dtype="u1").reshape(2, 3, 4))
    packed = gzip.compress(good)
    for content, message in {
        b"": "got an empty file",
        b"\0\0\x08": "got 00 00 08",
        b"<html>": "expected an IDX file.*got 3c 68 74 6d",
        b"\0\0\x07\1" + good[4:]: "got 00 00 07 01",
        good[:10]: "expected a header of 16 bytes for 3 axes, got 10 bytes",
        good[:-5]: r"expected 40 bytes for uint8 of shape \(2, 3, 4\), got 35; .*cut short",
        good + b"x": "expected 40 bytes .* got 41; .*followed by something else",
        packed[:-9]: f"expected a whole gzip file, got {len(packed) - 9} bytes",
        packed[:12] + b"\xff" * 8 + packed[20:]: "expected a whole gzip file",
    }.items():
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(nn.DataError, match=message) as caught:
            nn.read_idx(path)
        assert str(path) in str(caught.value)


FILES = {
    "train-images-idx3-ubyte": idx(np.arange(3 * 4, dtype="u1").reshape(3, 2, 2) * 20),
    "train-labels-idx1-ubyte": idx(np.asarray([0, 9, 4], "u1")),
    "t10k-images-idx3-ubyte": idx(np.full((2, 2, 2), 255, "u1")),
    "t10k-labels-idx1-ubyte": idx(np.asarray([7, 7], "u1")),
}
CHECKSUMS = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}


class Handler(http.server.SimpleHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        Handler.requests += 1
        super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A folder, and the address at which it is served."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    Handler.requests = 0
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mnist"


def test_download_once(mirror, cache):
    load = partial(nn.load_mnist, url=mirror[1], checksums=CHECKSUMS)
    train, test = load()
    assert train.inputs.dtype == np.float32
    np.testing.assert_allclose(train.inputs[1], np.asarray([80, 100, 120, 140]) / 255, rtol=1e-6)
    np.testing.assert_array_equal(test.inputs, np.ones((2, 4)))
    assert train.labels.tolist() == [0, 9, 4]
    assert train.labels.dtype == np.int64
    assert Handler.requests == 4
    again, _ = load()
    np.testing.assert_array_equal(again.inputs, train.inputs)
    assert Handler.requests == 4
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{n}.gz" for n in FILES)


def test_files_in_a_directory_packed_or_not(tmp_path, cache):
    for i, (name, content) in enumerate(FILES.items()):
        path = tmp_path / (f"{name}.gz" if i % 2 else name)
        path.write_bytes(gzip.compress(content) if i % 2 else content)
    train, _ = nn.load_mnist(tmp_path, download=False, checksums=CHECKSUMS)
    assert train.labels.tolist() == [0, 9, 4]
    assert not cache.exists()


def test_missing_files_without_download(tmp_path):
    with pytest.raises(nn.DataError, match=r"expected train-images-idx3-ubyte .*found neither"):
        nn.load_mnist(tmp_path, download=False)


def test_a_damaged_file_on_disk_is_named(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(FILES["t10k-labels-idx1-ubyte"][:-1] + b"\1")
    with pytest.raises(nn.DataError, match=r"t10k-labels.*MD5 .* got .*damaged.*delete the file"):
        nn.load_mnist(tmp_path, download=False, checksums=CHECKSUMS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "cannot be downloaded: HTTP Error 404"),
        (lambda path: path.write_bytes(b"<html>blocked</html>"), "MD5"),
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "whole gzip file"),
    ],
)
def test_a_bad_download_leaves_nothing_in_the_cache(mirror, cache, damage, message):
    folder, url = mirror
    damage(folder / "train-images-idx3-ubyte.gz")
    with pytest.raises(nn.DataError, match=message):
        nn.load_mnist(url=url, checksums=CHECKSUMS)
    assert not cache.exists()


def test_no_server(cache):
    with pytest.raises(nn.DataError, match=r"cannot be downloaded.*get the files another way"):
        nn.load_mnist(url="http://127.0.0.1:9/", checksums=CHECKSUMS)
    with pytest.raises(nn.DataError, match="expected an address with http"):
        nn.load_mnist(url="file:///etc/", checksums=CHECKSUMS)


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XAD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert mnist.cache_folder() == tmp_path / ".cache" / "xad"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert mnist.cache_folder() == tmp_path / "xdg" / "xad"
    monkeypatch.setenv("XAD_CACHE", "~/own")
    assert mnist.cache_folder() == tmp_path / "own"


def test_the_checksums_are_those_of_mnist():
    assert list(mnist.CHECKSUMS) == list(FILES)
    assert all(len(md5) == 32 for md5 in mnist.CHECKSUMS.values())
