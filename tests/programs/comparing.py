"""What the tests of the passes share: programs before and after, compared bit for bit."""

import numpy as np

import xad
from xad.programs.optimise import optimise

ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.0, 3.0, 1e-30, -1e-30, 7.0, -0.5]
"""Numbers that wrong simplifications are found out by."""


def recorded(f, *arguments):
    return xad.make_program(f)(*arguments).listing


def names(listing):
    return [instruction.primitive.name for instruction in listing.instructions]


def bits(here, listing, arguments):
    """Results with all that tells them from others: type, shape, signs of zeros; nan is nan."""
    found = []
    with listing.adapter.around_rules(arguments[0]):
        results = listing.run(arguments)
    for x in results:
        host = here.to_host(x)
        if host.dtype.kind == "f":
            host = np.where(np.isnan(host), np.asarray(np.nan, host.dtype), host)
        found.append((str(host.dtype), host.shape, host.tobytes()))
    return found


def agree(here, before, after, *arguments):
    assert bits(here, before, arguments) == bits(here, after, arguments), f"{before}\n{after}"
    for v, kind in after.kinds.items():
        assert before.kinds.get(v, kind) == kind


def optimised(here, f, *arguments):
    before = recorded(f, *arguments)
    after = optimise(before)
    agree(here, before, after, *arguments)
    return after
