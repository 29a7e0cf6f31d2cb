"""A program recorded with one library, for the arrays of another or on another device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xad.backend.transfer import transfer
from xad.core.recorded_numbers import RecordedNumber
from xad.core.wrapper import Wrapper
from xad.ops.transfer import moved
from xad.programs.encoding import Place, dtype_named, name_of_dtype, translated
from xad.programs.listing import Kind, Listing

__all__ = ["moved_listing", "placed"]

_FITTING: dict[type, tuple[str, ...]] = {
    bool: ("bool",),
    int: ("integral", "real floating", "complex floating"),
    float: ("real floating", "complex floating"),
    complex: ("complex floating",),
}
"""The kinds of data types that hold a number of each class."""


def moved_listing(listing: Listing, place: Place) -> Listing:
    """The same operations on arrays of a library on a device, with the constants brought there.

    Data types keep their names. A step that moves an array elsewhere leaves it where all others
    are. Errors: BackendError for data types that the library lacks.
    """
    source = listing.adapter
    if source is None:
        return replace(listing, adapter=place[0], device=place[1])

    def kind_there(kind: Kind) -> Kind:
        name = name_of_dtype(kind.dtype, source)
        return kind if name is None else Kind(kind.shape, dtype_named(name, place[0]))

    def there(x: Any) -> Any:
        return moved(x, *place) if isinstance(x, Wrapper) else transfer(x, *place)

    instructions = [
        x._replace(params={key: translated(p, source, place) for key, p in x.params.items()})
        for x in listing.instructions
    ]
    return replace(
        listing,
        instructions=tuple(instructions),
        constants={v: there(x) for v, x in listing.constants.items()},
        kinds={v: kind_there(kind) for v, kind in listing.kinds.items()},
        adapter=place[0],
        device=place[1],
    )


def placed(number: Any, kind: Kind, place: Place) -> Any:
    """A number as the array of this kind that a program needs; as it is where it does not fit."""
    adapter, device = place
    value = number.value if isinstance(number, RecordedNumber) else number
    xp = adapter.namespace
    if kind.shape != () or not xp.isdtype(kind.dtype, _FITTING[type(value)]):
        return number
    if xp.isdtype(kind.dtype, "integral"):
        limits = xp.iinfo(kind.dtype)
        if not limits.min <= value <= limits.max:
            return number
    array = adapter.filled((), value, kind.dtype, device)
    return number.array(kind.dtype, array) if isinstance(number, RecordedNumber) else array
