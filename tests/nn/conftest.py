"""What the tests of networks share."""

import pytest

from xad.backend import selected


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """On small arrays torch's threads only wait for each other, long if the machine is busy."""
    if selected().adapter.name != "torch":
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
