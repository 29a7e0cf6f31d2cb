"""Replaying a program's stages as CUDA graphs, each launched at once.

A graph reads and writes the same memory at each launch. So each workspace has memory of its own,
taken from a pool that nobody else takes from and kept for as long as the graphs are: arguments are
copied into it, results out of it. A donated argument stays there, and the result of its kind is
handed out as it lies: called with it again, the program copies neither.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from xad.core.recording import Variable
from xad.programs.listing import Kind

__all__ = ["Plan", "Replayed", "Stage"]

# As many calls can be under way, in several threads, or with results that were given to be donated.
_MOST_WORKSPACES = 4


@dataclass(frozen=True)
class Stage:
    """A part of the program as a function of arrays, and whether it is to be a graph."""

    function: Callable[..., Sequence[Any]]
    captured: bool
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]


@dataclass(frozen=True)
class Plan:
    """The program as one function, ``run``, and as stages."""

    run: Callable[[Sequence[Any]], Sequence[Any]]
    stages: tuple[Stage, ...]
    inputs: tuple[Variable, ...]
    constants: Mapping[Variable, Any]
    outputs: tuple[Any, ...]
    kinds: Mapping[Variable, Kind]
    donated: frozenset[int]

    @property
    def handed(self) -> set[Variable]:
        """What graphs read and no graph makes: it needs a place that stays."""
        captured = [stage for stage in self.stages if stage.captured]
        made = {v for stage in captured for v in stage.outputs}
        return {v for stage in captured for v in stage.inputs} - made - set(self.constants)

    def staying(self) -> dict[Variable, int]:
        """For inputs that were donated and that graphs read, the result that takes their place."""
        made = {v for stage in self.stages if stage.captured for v in stage.outputs}
        free = {
            place: x for place, x in enumerate(self.outputs) if type(x) is Variable and x in made
        }
        taken: dict[Variable, int] = {}
        for number in sorted(self.donated):
            v = self.inputs[number]
            for place, x in free.items():
                if v in self.handed and self.kinds[x] == self.kinds[v]:
                    taken[v] = place
                    del free[place]
                    break
        return taken


class Replayed:
    """A program as it is called: straight at first, then by graphs where there are any to be."""

    def __init__(self, cupy: Any, plan: Plan) -> None:
        self._cupy = cupy
        self._plan = plan
        self._lock = threading.Lock()
        self._spaces: list[_Workspace] = []
        # The first call compiles the kernels and makes the libraries' handles.
        self._warm: set[int] = set()
        self.refusal: BaseException | None = None
        self._graphs = any(stage.captured for stage in plan.stages)

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """The results for these arrays."""
        if not self._graphs or self.refusal is not None or self._inside_another():
            return self._plan.run(arrays)
        space = self._take(arrays)
        if space is None:
            return self._plan.run(arrays)
        try:
            return space.run(arrays)
        except _NoGraphError as error:
            # What cannot be in a graph computes by itself, from now on too.
            self.refusal = error.__cause__
            return self._plan.run(arrays)
        finally:
            space.lock.release()

    def _inside_another(self) -> bool:
        """Whether somebody is making a graph of what calls this."""
        stream = self._cupy.cuda.get_current_stream()
        return bool(stream.ptr > 1 and stream.is_capturing())

    def _take(self, arrays: Sequence[Any]) -> _Workspace | None:
        """A workspace on this device that nobody uses, locked; None for a call without one."""
        device = self._cupy.cuda.runtime.getDevice()
        with self._lock:
            if device not in self._warm:
                self._warm.add(device)
                return None
            here = [space for space in self._spaces if space.device == device]
            for space in here:
                if space.lock.acquire(blocking=False):
                    if space.unused(arrays):
                        return space
                    space.lock.release()
            if len(here) == _MOST_WORKSPACES:
                return None
            space = _Workspace(self._cupy, self._plan, device)
            space.lock.acquire()
            self._spaces.append(space)
            return space


class _NoGraphError(Exception):
    """Something could not be captured; the cause says what."""


def _allocate(cuda: Any, size: int) -> Any:
    """Memory for a pool. An error of CUDA would have it free blocks that graphs name."""
    try:
        return cuda.MemoryPointer(cuda.Memory(size), 0)
    except cuda.runtime.CUDARuntimeError as error:
        raise MemoryError(f"no {size} bytes for a CUDA graph") from error


class _Workspace:
    """Graphs of one program, with the memory that they read and write."""

    def __init__(self, cupy: Any, plan: Plan, device: int) -> None:
        self.lock = threading.Lock()
        self.device = device
        self._cupy = cupy
        self._plan = plan
        self._pool = cupy.cuda.MemoryPool(partial(_allocate, cupy.cuda))
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._staying = plan.staying()
        self._handed = plan.handed
        self._places: dict[Variable, Any] = {}
        self._graphs: dict[int, tuple[Any, Sequence[Any]]] = {}
        self._lent: dict[int, weakref.ref[Any]] = {}
        self._last: Any = None

    def unused(self, arrays: Sequence[Any]) -> bool:
        """Whether no result lies in this memory still, but for those that are donated now."""
        given = {id(arrays[number]) for number in self._plan.donated}
        alive = [reference() for reference in self._lent.values()]
        return all(x is None or id(x) in given for x in alive)

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """Carry the program out in this memory, on the current stream."""
        current = self._cupy.cuda.get_current_stream()
        if self._last is not None and self._last != current:
            current.wait_event(self._last.record())
        self._last = current
        values: dict[Variable, Any] = dict(self._plan.constants)
        values.update(zip(self._plan.inputs, self._arguments(arrays), strict=True))
        for number, stage in enumerate(self._plan.stages):
            given = [values[v] for v in stage.inputs]
            if stage.captured:
                made = self._replay(number, partial(stage.function, *given), current)
            else:
                made = [
                    self._settled(v, x) if v in self._handed else x
                    for v, x in zip(stage.outputs, stage.function(*given), strict=True)
                ]
            values.update(zip(stage.outputs, made, strict=True))
        return self._results(values, current)

    def _arguments(self, arrays: Sequence[Any]) -> list[Any]:
        """The arguments, those that graphs read in this memory."""
        lent = {place.data.ptr: v for v, place in self._places.items() if v in self._staying}
        given = list(zip(self._plan.inputs, arrays, strict=True))
        # One that lies in another's place would be overwritten before it is read.
        apart = [x if lent.get(x.data.ptr, v) == v else x.copy() for v, x in given]
        return [
            self._settled(v, x) if v in self._handed else x
            for v, x in zip(self._plan.inputs, apart, strict=True)
        ]

    def _settled(self, v: Variable, x: Any) -> Any:
        """The place of ``v`` in this memory, with the values of ``x`` in it."""
        place = self._places.get(v)
        if place is None:
            shape, dtype = self._plan.kinds[v]
            try:
                with self._own_memory():
                    place = self._places[v] = self._cupy.empty(shape, dtype)
            except MemoryError as error:
                raise _NoGraphError from error
        if x.data.ptr != place.data.ptr or not x.flags.c_contiguous:
            self._cupy.copyto(place, x)
        return place

    def _own_memory(self) -> Any:
        return self._cupy.cuda.using_allocator(self._pool.malloc)

    def _replay(self, key: int, work: Callable[[], Sequence[Any]], current: Any) -> Sequence[Any]:
        """Launch the graph of some work, made at the first time; what the work makes."""
        if key not in self._graphs:
            self._graphs[key] = self._capture(work)
        graph, held = self._graphs[key]
        graph.launch(current)
        return held

    def _capture(self, work: Callable[[], Sequence[Any]]) -> tuple[Any, Sequence[Any]]:
        """A graph of some work, and the arrays that it will have made."""
        stream = self._stream
        try:
            with stream, self._own_memory():
                stream.begin_capture()
                try:
                    held = work()
                finally:
                    graph = stream.end_capture()
        except Exception as error:
            # Libraries refuse in many ways; what is wrong with the program itself shows without.
            raise _NoGraphError from error
        return graph, held

    def _results(self, values: Mapping[Variable, Any], current: Any) -> list[Any]:
        """Copies of what lies in this memory, other results as they are; donated ones stay."""
        stays = {place: v for v, place in self._staying.items()}
        if stays:
            self._close(values, current)
        held = [x for _, held in self._graphs.values() for x in held]
        own = {id(x) for x in (*held, *self._places.values())}
        results = []
        for place, x in enumerate(self._plan.outputs):
            if type(x) is not Variable:
                results.append(x)
            elif place in stays:
                results.append(self._lend(place, self._places[stays[place]]))
            else:
                value = values[x]
                results.append(value.copy() if id(value) in own or _is_view(value) else value)
        return results

    def _close(self, values: Mapping[Variable, Any], current: Any) -> None:
        """Move the results that are to be donated to where they will be read."""
        inside = {id(x) for x in self._places.values()}

        def move() -> Sequence[Any]:
            pairs = [
                (self._places[v], values[self._plan.outputs[place]])
                for v, place in self._staying.items()
            ]
            # A view may be of a place that is written to.
            apart = [x.copy() if _is_view(x) or id(x) in inside else x for _, x in pairs]
            for (place, _), x in zip(pairs, apart, strict=True):
                self._cupy.copyto(place, x)
            return apart

        self._replay(len(self._plan.stages), move, current)

    def _lend(self, place: int, memory: Any) -> Any:
        """An array over this memory, known for as long as it, or a view of it, lives."""
        cupy = self._cupy
        array = cupy.ndarray(memory.shape, memory.dtype, memptr=memory.data)
        self._lent[place] = weakref.ref(array)
        return array


def _is_view(x: Any) -> bool:
    return x.base is not None
