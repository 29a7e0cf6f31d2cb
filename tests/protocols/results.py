"""Taking results apart."""


def leaves(out):
    """The arrays, numbers and other things in tuples and lists."""
    if isinstance(out, (tuple, list)):
        return [leaf for part in out for leaf in leaves(part)]
    return [out]
