"""Record a function for arguments of one kind, and make of it what can be called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import itemgetter
from typing import Any, NamedTuple

from xad import tree
from xad.backend.registry import adapter_for, adapter_of
from xad.core.batching import settled
from xad.core.conform import as_array
from xad.core.prologue import Prologue
from xad.core.recording import Instruction, NotAlone, Recorder, Recording, Variable
from xad.core.wrapper import Wrapper, fresh_level
from xad.errors import ProgramError
from xad.ops.declare import primitives
from xad.programs.generate import generate
from xad.programs.listing import Listing
from xad.programs.optimise import optimise
from xad.tensor import Recorded, Tensor
from xad.transforms.captures import constant_parts
from xad.transforms.generators import Drawing
from xad.transforms.kinds import ARRAY, FIXED, NUMBER
from xad.transforms.numbers import Number
from xad.transforms.program import written
from xad.transforms.values import is_value
from xad.tree.together import find_builder

__all__ = ["Call", "PrologueError", "Ready", "Trace"]


class Call(NamedTuple):
    """A call to be recorded: its leaves, what each is, and the function of the leaves.

    ``donated``: the places, among the arrays, of those whose memory may be written into.
    ``boxed``: whether results are tensors. ``reassociate``: whether sums and products may be taken
    in another order. ``unboxed``: the arrays that users hold as their library's own.
    """

    leaves: Sequence[Any]
    roles: Sequence[str]
    function: Callable[[Sequence[Any]], Any]
    donated: frozenset[int]
    boxed: bool
    reassociate: bool
    unboxed: Sequence[Any]


class PrologueError(Exception):
    """Python's arithmetic on this call's numbers fails, or gives another kind of number."""


class Ready(NamedTuple):
    """A program for one kind of arguments."""

    recorded: Listing
    listing: Listing
    source: str
    run: Callable[[Sequence[Any]], Sequence[Any]]
    around: Callable[[Any], AbstractContextManager[Any]]
    prologue: Prologue | None
    finish: Callable[[Sequence[Any], Sequence[Any]], Any]

    def __call__(self, arrays: list[Any], given: Sequence[Any]) -> Any:
        """The results, in the shape and the type that the function returns."""
        values: Sequence[Any] = ()
        if self.prologue is not None:
            try:
                values = self.prologue.run(given)
            except Exception as error:
                raise PrologueError from error
            arrays += [values[place.number] for place in self.prologue.exports]
        if arrays:
            with self.around(arrays[0]):
                results = self.run(arrays)
        else:
            results = self.run(arrays)
        return self.finish(results, values)


class Trace:
    """A function while it is recorded for a call, with ``fixed`` numbers as they are."""

    def __init__(self, call: Call, fixed: frozenset[int]) -> None:
        self._call = call
        self._fixed = fixed
        self._level = fresh_level()
        self.recorder = Recorder(Recorded, alone=True)
        self.recorder.unboxed = call.unboxed
        self._given: list[int] = []
        self._generators: dict[int, Drawing] = {}
        self._inputs: list[Variable] = []

    @property
    def asked(self) -> frozenset[int]:
        """The leaves that are numbers whose values the program depends on."""
        return self._fixed | {self._given[i] for i in self.recorder.asked}

    def run(self) -> Ready:
        """Record, optimise and generate."""
        leaves, roles = self._call.leaves, self._call.roles
        like = next((x for x, role in zip(leaves, roles, strict=True) if role is ARRAY), None)
        parts = [self._part(i, like) for i in range(len(leaves))]
        recorder = self.recorder
        try:
            with _no_context(like) if like is None else adapter_of(like).around_rules(like):
                returned = self._call.function(parts)
            if recorder.refusal is not None:  # and users' code went on without it
                raise recorder.refusal
            results, structure = tree.flatten(returned)
            self._check_results(returned, results, structure)
            makers, outputs = self._outputs(results)
        except Exception:
            if isinstance(recorder.refusal, NotAlone):
                raise recorder.refusal from None
            raise
        finally:
            recorder.finish()
        recorded = written(recorder, [*self._inputs, *recorder.imported], outputs)
        listing = _with_copies(optimise(recorded, reassociate=self._call.reassociate))
        compiled = generate(listing, self._call.donated)
        adapter = listing.adapter
        prologue = recorder.prologue
        needs_prologue = bool(prologue.exports or prologue.steps or any(x for x in makers))
        prologue.finish()
        return Ready(
            recorded,
            listing,
            compiled.source,
            compiled.run,
            _no_context if adapter is None else adapter.around_rules,
            prologue if needs_prologue else None,
            _finisher(structure, makers, self._call.boxed),
        )

    def _part(self, i: int, like: Any) -> Any:
        """What stands for a leaf while the function runs."""
        x, role = self._call.leaves[i], self._call.roles[i]
        recorder = self.recorder
        if role is FIXED:
            return x
        if role is ARRAY:
            x = as_array(x)
            variable = recorder.variable(x)
            self._inputs.append(variable)
            return Recorded(x, variable, recorder, self._level)
        place = recorder.prologue.given(x)
        self._given.append(i)
        if role is NUMBER:
            number = Number(x, place, recorder, self._level)
            return x if i in self._fixed else number
        if id(x) not in self._generators:
            self._generators[id(x)] = Drawing(x, place, recorder, self._level, like)
        return self._generators[id(x)]

    def _check_results(
        self, returned: Any, results: Sequence[Any], structure: tree.Structure
    ) -> None:
        """ProgramError for what may hide arrays, or would be the same object at each call."""
        hidden = [x for x in constant_parts(structure) if isinstance(x, Wrapper)]
        if hidden:
            raise ProgramError(
                "xad.jit: expected arrays as leaves of what the function returns, got "
                f"{type(hidden[0]).__name__} in a static field; declare it without tree.static"
            )
        leaves = self._call.leaves
        for i, x in enumerate(results):
            known = isinstance(x, (Wrapper, Drawing)) or adapter_for(type(x)) is not None
            if not known and not is_value(x) and not any(x is leaf for leaf in leaves):
                place = tree.paths(returned)[i]
                where = f"at {place}" if place else "as a whole"
                raise ProgramError(
                    "xad.jit: expected a function that returns arrays, numbers, texts and the "
                    f"like, in lists, tuples, dicts and dataclasses; got {_in_words(x)} "
                    f"{where}, which the program could not make anew at each call"
                )

    def _outputs(self, results: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """How each result is made when the program has run, and the program's outputs.

        None stands for the program's next output, else a function from the prologue's values.
        """
        makers: list[Any] = []
        outputs: list[Any] = []
        for x in results:
            if isinstance(x, (Number, Drawing)):
                place = x.variable if isinstance(x, Number) else x.place
                makers.append(itemgetter(place.number))
            elif isinstance(x, Recording) and x.recorder is self.recorder:
                makers.append(None)
                outputs.append(x.variable)
            elif isinstance(x, Wrapper) or adapter_for(type(x)) is not None:
                makers.append(None)
                outputs.append(self.recorder.constant(settled(as_array(x))))
            else:
                makers.append(lambda values, x=x: x)
        return makers, outputs


def _in_words(x: Any) -> str:
    kind = type(x)
    name = getattr(x, "__qualname__", None)
    return f"{kind.__module__}.{kind.__qualname__}" + (f" {name}" if name else "")


def _no_context(array: Any) -> AbstractContextManager[Any]:
    return nullcontext()


def _finisher(
    structure: tree.Structure, makers: Sequence[Any], boxed: bool
) -> Callable[[Sequence[Any], Sequence[Any]], Any]:
    """From the program's results and the prologue's values to what the function returns."""
    face = Tensor if boxed else _as_it_is
    build, _ = find_builder(structure)
    if not any(makers):
        return lambda results, values: build(list(map(face, results)))

    def finish(results: Sequence[Any], values: Sequence[Any]) -> Any:
        rest = iter(results)
        made = [face(next(rest)) if make is None else make(values) for make in makers]
        return build(made)

    return finish


def _as_it_is(x: Any) -> Any:
    return x


def _with_copies(listing: Listing) -> Listing:
    """Results that are constants as copies: users may write into results.

    The generator for NumPy does so by itself, for views of constants too.
    """
    if listing.adapter is None or listing.adapter.name == "numpy":
        return listing
    instructions, outputs = list(listing.instructions), list(listing.outputs)
    kinds = dict(listing.kinds)
    for i, x in enumerate(outputs):
        if type(x) is Variable and x in listing.constants:
            copy = Variable(max(v.number for v in kinds) + 1)
            kinds[copy] = kinds[x]
            instructions.append(Instruction(primitives["copy"], (x,), {}, (copy,)))
            outputs[i] = copy
    return listing.with_instructions(instructions, outputs=outputs, kinds=kinds)
