"""``make_program``: write down what a function does, as a straight-line program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import Any

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.conform import as_array
from xad.core.diagnosis import SCALARS
from xad.core.quiet import quietly
from xad.core.recorded_numbers import RecordedNumber
from xad.core.recording import Instruction, Recorder, Recording, Variable
from xad.core.wrapper import fresh_level, innermost
from xad.errors import ShapeError, TreeError
from xad.ops.arguments import operand
from xad.programs import storage
from xad.programs.listing import Kind, Listing, dtype_name
from xad.programs.passes.apart import constants_apart
from xad.programs.structures import alike
from xad.programs.summary import Summary, summarised
from xad.programs.translation import moved_listing, placed
from xad.tensor import Recorded
from xad.transforms.inputs import Function, Inputs

__all__ = ["Program", "listing_of", "load_program", "make_program", "written"]


class Program:
    """A function written down for arrays of certain shapes and dtypes: call it, print it, save it.

    ``inputs`` and ``outputs`` are variables, ``instructions`` the operations in order, and
    ``constants`` the arrays that the function took from elsewhere: those of NumPy are read-only as
    long as the program is there. It may hold derivatives, whose steps are infinite now and then
    where the result is not: so it runs without NumPy's warnings.

    It takes arrays of any library, whichever it was recorded with: data types go by their names,
    and the constants are brought to the library and the device of the first argument, once.
    """

    # No dict of attributes: what `jit` watches of a function's objects would be all that is here.
    __slots__ = ("_elsewhere", "_out_structure", "_runs", "_structure", "listing", "name")

    def __init__(
        self, name: str, listing: Listing, inputs: tree.Structure, outputs: tree.Structure
    ) -> None:
        self.name = name
        self.listing = listing
        # What runs: users may write into results, so they are never the constants.
        self._runs = constants_apart(listing)
        self._structure = inputs
        self._out_structure = outputs
        self._elsewhere: dict[tuple[str, str], Listing] = {}

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The variables that stand for the arguments' leaves."""
        return self.listing.inputs

    @property
    def outputs(self) -> tuple[Any, ...]:
        """The variables, or Python numbers, that are the results' leaves."""
        return self.listing.outputs

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The operations in order."""
        return self.listing.instructions

    @property
    def constants(self) -> Mapping[Variable, Any]:
        """The arrays that the function took from elsewhere."""
        return self.listing.constants

    def __call__(self, *arguments: Any) -> Any:
        """Carry the program out on arguments of the recorded shapes and dtypes, of any library.

        Errors: TreeError for arguments of another structure, ShapeError for other shapes and
        dtypes (both are ValueErrors); BackendError for a library that lacks one of its data types
        or functions.
        """
        given = Inputs("Program", arguments, differentiable=False)
        if not alike(given.structure, self._structure):
            raise TreeError("program: " + tree.difference(self._structure, given.structure))
        self._place_numbers(given)
        for path, variable, x in zip(tree.paths(arguments), self.inputs, given.leaves, strict=True):
            shape, dtype = self.listing.kinds[variable]
            if tuple(x.shape) != shape or dtype_name(x.dtype) != dtype_name(dtype):
                raise ShapeError(
                    f"program: expected {Kind(shape, dtype)} at argument {path}, got "
                    f"{Kind(tuple(x.shape), x.dtype)}; record again for other shapes"
                )
        plain = next((innermost(x) for x in (*given.leaves, *self.constants.values())), None)
        listing = self._listing_for(plain)
        run = listing.run
        results = run(given.leaves) if plain is None else quietly(plain, run, given.leaves)
        made = [given.face(as_array(x) if hasattr(x, "dtype") else x) for x in results]
        return tree.unflatten(self._out_structure, made)

    def _place_numbers(self, given: Inputs) -> None:
        """Make numbers arrays of the library, on the device and of the data type that they need.

        Those that do not fit stay what they are by themselves.
        """
        numbers = {i for i, x in enumerate(given.given) if _is_number(x)}
        if not numbers:
            return
        arrays = [x for i, x in enumerate(given.leaves) if i not in numbers]
        listing = self._listing_for(innermost(arrays[0]) if arrays else None)
        if listing.adapter is None:
            return
        for i in numbers:
            kind = listing.kinds[self.inputs[i]]
            made = placed(given.given[i], kind, (listing.adapter, listing.device))
            if made is not given.given[i]:
                given.leaves[i] = made

    def _listing_for(self, array: Any) -> Listing:
        """The operations for arrays of this one's library, on its device."""
        if array is None:
            return self._runs
        adapter = adapter_of(array)
        device = adapter.device_of(array)
        own = self._runs
        if adapter is own.adapter and device == own.device:
            return own
        key = (adapter.name, adapter.device_name(device))
        found = self._elsewhere.get(key)
        if found is None:
            found = self._elsewhere[key] = moved_listing(own, (adapter, device))
        return found

    def save(self, path: str | PathLike[str]) -> None:
        """Write the program to a file, from which `load_program` makes one that runs by itself.

        The file is a zip: ``program.json``, which names the operations, and an ``.npy`` for each
        constant; nothing in it is code, and no function is needed to run it. Its parameters are
        numbers, texts, data types and slices. Devices are left out: a loaded program runs where
        its arguments are. Tensors that require gradients are saved as their values. A crash while
        the file is written leaves the one that was there before.

        Errors: ProgramError for what no file can hold: a call of a function with a rule of its own
        (`custom_vjp`, `custom_jvp`, `checkpoint`, `custom_root`), and constants that belong to a
        transformation around the recording; OSError if it cannot be written.

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np, xad
        >>> x = np.asarray([1.0, 2.0])
        >>> slope = xad.make_program(xad.grad(lambda x: xad.sum(x**3)))(x)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     slope.save(Path(folder) / "slope.zip")
        ...     again = xad.load_program(Path(folder) / "slope.zip")
        >>> again(x)
        array([ 3., 12.])
        """
        stored = storage.Stored(self.name, self.listing, self._structure, self._out_structure)
        storage.save(Path(path), stored)

    def summary(self) -> Summary:
        """What the program costs: operations by kind, flops, bytes moved and peak memory.

        Print it. An operation element by element is one flop for each element of its result, and
        counted apart where it is transcendental; a reduction one for each element that goes in; a
        matrix product 2 m n k. See `xad.programs.costs` for the rest. Bytes are those of operands
        and results, as if each were an array of its own.

        >>> import numpy as np, xad
        >>> a, b = np.ones((2, 3)), np.ones((3, 4))
        >>> program = xad.make_program(lambda a, b: xad.tanh(a @ b))(a, b)
        >>> program.summary().flops, program.summary().transcendental
        (48, 8)
        """
        return summarised(self.listing)

    def __str__(self) -> str:
        return f"def {self.name}{str(self.listing).replace(chr(10), ':' + chr(10), 1)}"

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self)} operations>"

    def __len__(self) -> int:
        return len(self.listing)


def _is_number(x: Any) -> bool:
    return type(x) in SCALARS or isinstance(x, RecordedNumber)


def make_program(f: Function) -> Function:
    """A function that runs ``f`` once, on example arguments, and returns it as a `Program`.

    Transformations inside ``f`` are written down too: ``make_program(grad(f))(x)`` is the derived
    backward pass. Python control flow is followed once, as it goes for the examples.

    Errors: TypeError where ``f`` asks for the value of an array, by ``if``, ``float`` or ``int``.

    >>> import numpy as np, xad
    >>> print(xad.make_program(lambda x: xad.sin(x) * 2)(np.asarray([0.0, 1.0])))
    def program(a: float64[2]):
        b: float64[2] = sin(a)
        c: float64[2] = multiply(b, 2)
        return c
    """

    @wraps(f)
    def record(*arguments: Any) -> Program:
        inputs = Inputs("make_program", arguments, differentiable=False)
        listing, outputs = listing_of(
            "make_program", lambda leaves: f(*inputs.tree_of(leaves)), inputs.leaves
        )
        name = getattr(f, "__name__", "program")
        name = name if name.isidentifier() else "program"
        return Program(name, listing, inputs.structure, outputs)

    return record


def load_program(path: str | PathLike[str]) -> Program:
    """The program that `Program.save` wrote to a file; it needs no code but xad's.

    It takes the arguments that the function took, of any library. Arguments and results are of
    the same structure, with two exceptions: a class (a named tuple or a dataclass) that has not
    been imported, or whose fields are others now, and one with static fields that a file cannot
    hold, stand as dicts of their fields. Loading imports no module but xad's and runs nothing that
    is in the file, so it is safe for files of strangers; running a program costs what it says.

    Errors: ProgramError (a RuntimeError) for a file that is damaged, of a later format, or none of
    `Program.save`; FileNotFoundError; BackendError for data types that neither NumPy nor the
    library has that recorded it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, xad
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "wave.zip"
    ...     xad.make_program(lambda x: xad.sin(x) * 2)(np.asarray([0.0, 1.0])).save(path)
    ...     print(xad.load_program(path))
    def program(a: float64[2]):
        b: float64[2] = sin(a)
        c: float64[2] = multiply(b, 2)
        return c
    """
    stored = storage.load(Path(path))
    return Program(stored.name, stored.listing, stored.arguments, stored.results)


def listing_of(
    name: str, run: Callable[[Sequence[Any]], Any], arrays: Sequence[Any]
) -> tuple[Listing, tree.Structure]:
    """What ``run`` does to arrays like these, and the structure of what it returns."""
    level = fresh_level()
    recorder = Recorder(Recorded)
    arrays = [as_array(x) for x in arrays]
    variables = tuple([recorder.variable(x) for x in arrays])
    recorded = [
        Recorded(x, variable, recorder, level)
        for x, variable in zip(arrays, variables, strict=True)
    ]
    try:
        results, out_structure = tree.flatten(run(recorded))
    except BaseException:
        recorder.shares.clear()
        raise
    outputs = [
        x.variable
        if isinstance(x, Recording) and x.recorder is recorder
        else recorder.constant(settled(operand(name, x)))
        for x in results
    ]
    return written(recorder, variables, outputs), out_structure


def written(recorder: Recorder, inputs: Sequence[Variable], outputs: Sequence[Any]) -> Listing:
    """The program of a recording, which is over by this."""
    recorder.finish()
    examples = recorder.examples
    plain = innermost(examples[0]) if examples else None
    adapter = None if plain is None else adapter_of(plain)
    return Listing(
        inputs=tuple(inputs),
        constants=recorder.constants,
        instructions=tuple(recorder.instructions),
        outputs=tuple(outputs),
        kinds={Variable(i): Kind(tuple(x.shape), x.dtype) for i, x in enumerate(examples)},
        adapter=adapter,
        device=None if adapter is None else adapter.device_of(plain),
        held=tuple(recorder.shares),
    )
