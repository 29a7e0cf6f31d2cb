"""What a NumPy function's result on tensors must be, beside its result on plain arrays."""

import numpy as np
import pytest
from results import leaves

import xad


@pytest.fixture(autouse=True)
def numpy_selected():
    """NumPy's functions compute on NumPy's arrays, whatever else is under test."""
    with xad.use_backend("numpy"), np.errstate(all="ignore"):
        yield


@pytest.fixture
def same():
    """Assert that NumPy's results on tensors are those on arrays, in values, shapes and dtypes."""

    def check(got, expected):
        ours, theirs = leaves(got), leaves(expected)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            if isinstance(other, (np.ndarray, np.generic)):
                assert isinstance(one, xad.Tensor)
                values = one.detach().numpy()
                assert values.dtype == other.dtype
                assert values.shape == other.shape
                np.testing.assert_allclose(values, other, rtol=1e-12, atol=1e-12)
            elif isinstance(one, xad.Tensor):
                assert one.detach().numpy() == other
            else:
                assert one == other

    return check
