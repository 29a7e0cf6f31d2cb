"""``jit``: record a function once for each kind of arguments, and replay it at little cost."""

from __future__ import annotations

import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, update_wrapper
from types import MethodType
from typing import Any, NamedTuple

from xad import tree
from xad.backend.locks import settle
from xad.core.recording import NotAlone
from xad.errors import ProgramError
from xad.programs.listing import Listing
from xad.programs.summary import summarised
from xad.tensor import Tensor
from xad.transforms.captures import Captures, constant_parts
from xad.transforms.disabling import is_disabled
from xad.transforms.generators import without_draws
from xad.transforms.guards import Guard, guard_of
from xad.transforms.inputs import Function
from xad.transforms.kinds import (
    ARRAY,
    ASKED,
    FIXED,
    NUMBER,
    described,
    taken,
    unboxed,
)
from xad.transforms.tracing import Call, PrologueError, Ready, Trace
from xad.transforms.values import by_value, exact, exact_structure

__all__ = ["CacheInfo", "Jitted", "jit"]

LIMIT = 128
MANY = 16
"""Programs that differ by a Python number only, until there is a warning."""


class CacheInfo(NamedTuple):
    """Calls that found a program, calls that had to record one, and how many there are now."""

    hits: int
    misses: int
    size: int
    limit: int


@dataclass
class _Entry:
    """A program, or None where the function is to run as it is; and the outside it is good for.

    ``guard``: the quick way in, made when the program is used again; None also where there is none.
    """

    ready: Ready | None
    captures: Captures
    guard: Guard | None = None
    guarded: bool = False


class Jitted:
    """A function that is recorded at its first call for each kind of arguments; see `jit`."""

    def __init__(
        self,
        f: Function,
        static: tuple[int, ...],
        donated: tuple[int, ...],
        reassociate: bool,
        limit: int,
    ) -> None:
        update_wrapper(self, f)
        self._function = f
        self._static = static
        self._donated = donated
        self._reassociate = reassociate
        self._limit = limit
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._asked: dict[Any, frozenset[int]] = {}
        self._last: Ready | None = None
        self._latest: _Entry | None = None
        self._lock = threading.Lock()
        self._hits = self._misses = 0
        self._warned = False
        #: Whether the function changed variables outside of it, or may have, while it was recorded.
        self.has_side_effects = False

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the function returns for these arguments."""
        if is_disabled():
            return self._function(*arguments, **keywords)
        latest = self._latest
        if latest is not None:
            quickly = latest.guard((arguments, keywords))  # type: ignore[misc]
            if quickly is not None and latest.captures.unchanged():
                self._hits += 1
                return self._run(latest, quickly[0], quickly[1], arguments, keywords)
        fixed: tuple[tuple[int, Any], ...] = ()
        if self._static:  # those given by keyword are told apart by value anyway
            places = [i for i in self._static if i < len(arguments)]
            fixed = tuple([(i, exact(arguments[i])) for i in places])
        moving = self._without_static(arguments) if fixed else arguments
        leaves, structure = tree.flatten((moving, keywords))
        found = taken(leaves)
        if found is None:
            return self._function(*arguments, **keywords)
        arrays, given, kinds, boxed = found
        key = (structure, kinds, fixed, boxed, exact_structure(structure))
        try:
            kept = self._key(key, leaves) if given else key
            entry = self._entries.get(kept)
        except TypeError as error:
            raise _unhashable(error) from error
        if entry is None or not entry.captures.unchanged():
            entry = self._record(key, leaves, arguments)
        else:
            self._hits += 1
            with suppress(KeyError):  # another thread may just have dropped it
                self._entries.move_to_end(kept)
            self._guard(entry, key, leaves)
        return self._run(entry, arrays, given, arguments, keywords)

    def _run(
        self,
        entry: _Entry,
        arrays: list[Any],
        given: list[Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        if entry.ready is not None:
            try:
                return entry.ready(arrays, given)
            except PrologueError:
                # Eager code knows what to do about these numbers, or what to say.
                pass
        return self._function(*arguments, **keywords)

    def _guard(self, entry: _Entry, key: Any, leaves: Sequence[Any]) -> None:
        """Have the next call try this program first, by the quick way."""
        structure, kinds, fixed, *_ = key
        if not entry.guarded and not fixed:
            asked = self._asked.get(key, frozenset())
            roles = [(ASKED,) if i in asked else kind for i, kind in enumerate(kinds)]
            entry.guard = guard_of(structure, leaves, roles, described)
        entry.guarded = True
        self._latest = entry if entry.guard is not None else None

    def _without_static(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([None if i in self._static else x for i, x in enumerate(arguments)])

    def _key(self, key: Any, leaves: Sequence[Any]) -> Any:
        """The key of the program: with the numbers that were asked for."""
        asked = self._asked.get(key)
        return (key, tuple([by_value(leaves[i]) for i in sorted(asked)])) if asked else key

    def _record(self, key: Any, leaves: list[Any], arguments: tuple[Any, ...]) -> _Entry:
        """Record and keep the program, or that there can be none."""
        structure, kinds, fixed, boxed, _ = key

        def function(parts: Sequence[Any]) -> Any:
            moving, keywords = tree.unflatten(structure, parts)
            positional = list(moving)
            for i, _ in fixed:
                positional[i] = arguments[i]
            return self._function(*positional, **keywords)

        roles = [kind[0] for kind in kinds]
        plain = [x.value if x.__class__ is Tensor else x for x in leaves]
        donated = self._places_of_donated(roles, arguments)
        objects = [x for x, role in zip(plain, roles, strict=True) if role is FIXED]
        objects += [arguments[i] for i, _ in fixed]
        objects += constant_parts(structure)
        before = Captures(self._function, objects)
        held = tuple([x for x, role in zip(leaves, roles, strict=True) if role is ARRAY])
        call = Call(plain, roles, function, donated, boxed, self._reassociate, unboxed(held))
        ready, asked = without_draws(partial(self._traced, call, key), before.generators)
        changes = before.has_iterators or not before.unchanged()
        entry = _Entry(ready, Captures(self._function, objects))
        entry.captures.check_for_leaks()
        with self._lock:
            if asked:
                self._asked[key] = self._asked.get(key, frozenset()) | asked
            self._misses += 1
            self._latest = None
            self._last = ready or self._last
            self.has_side_effects = self.has_side_effects or changes
            kept = self._key(key, leaves)
            self._entries[kept] = entry
            self._entries.move_to_end(kept)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)
            many = self._is_many(key) if asked and not self._warned else False
        if many:
            self._warned = True
            warnings.warn(_many_numbers(self), stacklevel=3)
        return entry

    def _traced(self, call: Call, key: Any) -> tuple[Ready | None, frozenset[int]]:
        """The program, None if other transformations take part; and the numbers asked for."""
        asked = self._asked.get(key, frozenset())
        numbers = frozenset([i for i, role in enumerate(call.roles) if role is NUMBER])
        trace = Trace(call, asked)
        try:
            return trace.run(), trace.asked
        except NotAlone:
            return None, trace.asked
        except Exception:
            if numbers <= asked:
                raise
        # A number that was recorded may be to blame: now with all of them as they are.
        trace = Trace(call, numbers)
        try:
            return trace.run(), trace.asked
        except NotAlone:
            return None, trace.asked

    def _is_many(self, key: Any) -> bool:
        same = [x for x in self._entries if len(x) == 2 and x[0] == key]
        return len(same) > MANY

    def _places_of_donated(
        self, roles: Sequence[str], arguments: tuple[Any, ...]
    ) -> frozenset[int]:
        """The places among the arrays of those that the donated arguments hold."""
        counts = [len(tree.leaves(x)) for x in self._without_static(arguments)]
        owner = [i for i, count in enumerate(counts) for _ in range(count)]
        owner += [-1] * (len(roles) - len(owner))
        moving = [i for i, role in zip(owner, roles, strict=True) if role is ARRAY]
        return frozenset([place for place, i in enumerate(moving) if i in self._donated])

    def _recorded(self) -> Ready:
        if self._last is None:
            raise ProgramError(
                f"{self!r}: expected a program, got none: it is recorded at the first call"
            )
        return self._last

    @property
    def source(self) -> str:
        """The program of the last recording, as Python."""
        return self._recorded().source

    @property
    def listing(self) -> Listing:
        """The operations of the last recording, optimised; printable."""
        return self._recorded().listing

    def summary(self) -> str:
        """What the last recording costs, before and after it was optimised: two tables.

        See `xad.Program.summary` for what is counted.
        """
        ready = self._recorded()
        before, after = summarised(ready.recorded), summarised(ready.listing)
        return f"as recorded\n{before}\n\noptimised\n{after}"

    def cache_info(self) -> CacheInfo:
        """How often programs were found and recorded."""
        return CacheInfo(self._hits, self._misses, len(self._entries), self._limit)

    def clear_cache(self) -> None:
        """Forget all programs; what they took from outside may be written into again."""
        with self._lock:
            self._entries.clear()
            self._latest = self._last = None
            self._asked.clear()
        settle()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: bound to its object, as functions are."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        """Copies and pickles are of the function and the options; they record programs anew.

        What a module has by this name is pickled by name, as functions are.
        """
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        name = getattr(self, "__qualname__", "")
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:
            return name
        options = self._static, self._donated, self._reassociate, self._limit
        return Jitted, (self._function, *options)

    def __repr__(self) -> str:
        return f"<xad.jit of {getattr(self._function, '__qualname__', self._function)!s}>"


def _unhashable(error: Exception) -> TypeError:
    return TypeError(
        f"xad.jit: expected arrays, and beside them hashable values that programs are told apart "
        f"by ({error}); pass trees of arrays, or tuples in place of lists as static arguments"
    )


def _many_numbers(jitted: Jitted) -> str:
    return (
        f"{jitted!r} has recorded more than {MANY} programs that differ by a Python number only, "
        "whose value the function asks for (by if, float, range, a function of math or a shape); "
        "pass what changes often as an array, or use it in arithmetic only"
    )


def jit(
    f: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    donate_argnums: int | Sequence[int] = (),
    reassociate: bool = False,
    limit: int = LIMIT,
) -> Any:
    """A function that gives what ``f`` gives, recorded once and then replayed.

    The first call for each kind of arguments (structure, shapes, dtypes, devices) runs ``f`` on
    arrays that write down what is done to them, transformations included; the program is optimised
    and made into Python source, ``jit(f).source``. Later calls run that alone.

    Python numbers are inputs too and promote as they do in eager code; one whose value ``f`` asks
    for (by ``if``, ``range``, a shape, ``math``) gets a program for each value. So do strings,
    flags and other objects. A `numpy.random.Generator` among the arguments draws anew at each call.

    ``static_argnums``: positions of arguments that ``f`` gets as they are, hashable; each value has
    a program of its own. ``donate_argnums``: positions of arguments that the caller will not use
    again; results may be written into their memory. ``reassociate``: whether sums and products may
    be taken in another order, which rounds elsewhere. ``limit``: how many programs are kept; those
    used longest ago go first.

    ``f`` must do the same for all arrays of one kind: ``if x > 0`` and ``float(x)`` raise, and side
    effects happen while recording only. What it takes from outside is constant; where that changes
    it is recorded again, and large NumPy arrays among it are read-only meanwhile. Inside other
    transformations, and on tensors that require gradients, ``f`` runs as it is: put jit outermost.
    Programs run without NumPy's warnings. See the page on jit in the documentation.

    Errors: ConcreteValueError (a TypeError) where ``f`` asks for an array's value; ProgramError (a
    RuntimeError) where it stores a recorded array outside, returns what may hide one, or draws from
    a generator that is no argument; TypeError for arguments without a hash; and what ``f`` raises.

    >>> import numpy as np, xad
    >>> step = xad.jit(lambda w, x: w - 0.1 * xad.grad(lambda w: xad.sum((w * x) ** 2))(w))
    >>> step(np.asarray([1.0, 2.0]), np.asarray([1.0, 2.0]))
    array([0.8, 0.4])
    >>> step.cache_info()
    CacheInfo(hits=0, misses=1, size=1, limit=128)

    Source: Frostig et al., Compiling machine learning programs via high-level tracing, 2018.
    """
    static = _positions("static_argnums", static_argnums)
    donated = _positions("donate_argnums", donate_argnums)

    def decorate(f: Function) -> Jitted:
        return Jitted(f, static, donated, reassociate, _checked(limit))

    return decorate if f is None else decorate(f)


def _positions(name: str, argnums: int | Sequence[int]) -> tuple[int, ...]:
    found = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if any(i < 0 for i in found):
        raise ValueError(f"xad.jit: expected {name} from 0 up, got {argnums}")
    return found


def _checked(limit: int) -> int:
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"xad.jit: expected a limit of at least 1 program, got {limit!r}")
    return limit
