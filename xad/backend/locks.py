"""Write locks on NumPy's arrays: while one is held, whoever writes into the array gets an error.

An array is locked together with its bases. When the last holder lets go, in whatever order the
holders do so, the flags are as they were. Other libraries' arrays have no such flag, and are passed
over.

There is no mutex here: it would cost more than the rest. Other threads and Ctrl-C come in after
calls and at jumps backward only, and so each look at ``_holders`` and what follows from it stand
together, up to the end of the next call. Nor are there destructors, in which Python would swallow a
Ctrl-C. When a share goes, functions written in C unlock what it alone held, and leave a note.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["SHARES", "Held", "Share", "over", "settle", "share"]

_holders: dict[int, int] = {}
"""How many hold an array, by its id."""
_waiting: dict[int, list[Any]] = {}
"""By the id of a base that is still locked: views to be made writeable after it."""
_released: deque[Any] = deque()
"""What was released, and the notes that shares left."""
over = _released.append
"""To be called with a `Held` before its `release`: if Ctrl-C comes then, the next to lock goes on.

It is written in C: as the first call of a ``finally`` it comes before any Ctrl-C.
"""
_ndarray = np.ndarray


class Held:
    """Arrays that are locked until they are released."""

    __slots__ = ("left", "shares", "taken")

    def __init__(self, arrays: Iterable[Any] = ()) -> None:
        self.taken: dict[int, Any] = {}
        self.left: Iterator[tuple[int, Any]] | None = None
        self.shares: Any = ()
        if arrays:
            self.add(arrays)

    def add(self, arrays: Iterable[Any]) -> None:
        """Lock more arrays. Those that are read-only anyway need none, but for their bases."""
        if _released:
            settle()
        taken = self.taken
        for array in arrays:
            if array.__class__ is _ndarray and array.base is None:
                key = id(array)
                if key not in _holders:
                    if array.flags.writeable:
                        _holders[key], taken[key] = 1, array
                        array.setflags(False)  # type: ignore[call-arg]  # in half the time
                    continue
            self._add_with_bases(array)

    def _add_with_bases(self, array: Any) -> None:
        taken = self.taken
        while isinstance(array, _ndarray):
            key = id(array)
            if key in SHARES:
                # It would unlock the array when it goes: it stays until this is released.
                self.shares = (self.shares, SHARES[key]())
            lockable = array.base is None or _gives_back(array.base)
            if key in taken:
                pass
            elif key in _holders:
                _holders[key], taken[key] = _holders[key] + 1, array
                array.setflags(write=False)
            elif lockable and array.flags.writeable:
                _holders[key], taken[key] = 1, array
                array.setflags(write=False)
            array = array.base

    def release(self) -> None:
        """Let go of all, after `over`; once more does nothing."""
        self.close()
        self.give_back()
        _done(self)

    def close(self) -> None:
        """Nothing more is taken."""
        left = reversed(self.taken.items())  # bases before their views
        if self.left is None:  # another thread may have been quicker
            self.left = left

    def give_back(self) -> None:
        """Unlock what nobody else holds, of what is left."""
        for key, array in self.left or ():
            if _holders[key] > 1:
                _holders[key] -= 1
                continue
            del _holders[key]
            SHARES.pop(key, None)
            try:
                array.setflags(True)
            except ValueError:
                _let_wait(array)
            if _waiting and key in _waiting:
                _unlock_waiting(key)
        self.shares = ()


class Share:
    """Holds an array for all who need it, until the last reference to this goes."""

    __slots__ = ("__weakref__",)


SHARES: dict[int, weakref.ref[Share]] = {}
"""The shares in arrays, and in their bases, by id."""
_notes: dict[int, tuple[Any, Held, list[Any]]] = {}
"""By its id the note that a share will leave, what it holds, and references that unlock that."""


def share(array: Any) -> Share | None:
    """The share in an array, or a new one; None if it needs no lock."""
    reference = SHARES.get(id(array))
    found = None if reference is None else reference()
    if found is not None or not isinstance(array, _ndarray):
        return found
    held, made = Held(), Share()
    note = weakref.ref(made, _released.append)
    unlocking: list[Any] = []
    _notes[id(note)] = note, held, unlocking
    held.add((array,))
    held.close()
    for key, x in held.taken.items():
        if _holders[key] > 1:  # Others may need it longer: that is seen to when the note is.
            unlocking.clear()
            return made
        # The newest comes first: bases before views. They are called with what counts as True.
        unlocking.append(weakref.ref(made, x.setflags))
    for key in held.taken:
        SHARES[key] = note
    return made if held.taken else None


def settle() -> None:
    """Do what is left to do."""
    while waiting := tuple(_released):
        for first in waiting:
            _, held, _ = _notes.get(id(first), (None, first, None))
            if held.__class__ is Held:  # otherwise a note that was not finished, or done before
                held.close()
                held.give_back()
            _notes.pop(id(first), None)
            _done(first)
    if _waiting:  # for bases that are free, after a Ctrl-C
        for key in tuple(_waiting):
            if key not in _holders:
                _unlock_waiting(key)


def _done(first: Any) -> None:
    try:  # noqa: SIM105 - `suppress` takes longer than all the rest
        _released.remove(first)
    except ValueError:  # another thread was quicker
        pass


def _gives_back(owner: Any) -> bool:
    """Whether NumPy will let an array over the memory of ``owner`` be writeable again."""
    while isinstance(owner, _ndarray):
        if owner.flags.writeable or id(owner) in _holders:
            return True
        owner = owner.base
    if owner is None:
        return False
    try:
        with memoryview(owner) as buffer:
            return not buffer.readonly
    except (TypeError, ValueError, BufferError):
        return False


def _let_wait(view: Any) -> None:
    """Make a view writeable together with the last of its bases, which somebody else needs."""
    last, base = None, view.base
    while isinstance(base, _ndarray):
        last = id(base) if id(base) in _holders else last
        base = base.base
    # If none is held, somebody has made the memory below read-only in the meantime.
    if last is not None:
        _waiting.setdefault(last, []).append(view)
        if last not in _holders:  # another thread was quicker
            _unlock_waiting(last)


def _unlock_waiting(key: int) -> None:
    for view in _waiting.pop(key, ()):
        with suppress(ValueError):
            view.setflags(write=True)
