"""Programs in files: a zip of ``program.json`` and an ``.npy`` for each constant.

Reading one runs nothing that is in it: operations are looked up by their names in xad, and
parameters are numbers, texts and tuples of them.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from xad._version import __version__
from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_named, adapter_of, known_backends
from xad.core.recording import Instruction, Variable
from xad.core.tape import Reverse
from xad.core.wrapper import Wrapper
from xad.errors import BackendError, ProgramError
from xad.files import write_atomically
from xad.ops.declare import primitives
from xad.programs.encoding import Place, decoded, dtype_named, encoded, name_of_dtype
from xad.programs.listing import Kind, Listing, shown
from xad.programs.structures import Decoded, decoded_structure, encoded_structure
from xad.tree import Structure

__all__ = ["Stored", "load", "save"]

FORMAT = "xad program"
VERSION = 1
DOCUMENT = "program.json"
PIECE = 1 << 20
UNREADABLE = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError),
    *(EOFError, OSError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),
)
"""What the libraries raise that read a damaged file."""


@dataclass(frozen=True)
class Stored:
    """A program, its name, and the structures of its arguments and results."""

    name: str
    listing: Listing
    arguments: Structure
    results: Structure


# ---- writing ------------------------------------------------------------------------------------


def save(path: Path, stored: Stored) -> None:
    """Write a program to a file; whatever happens, the file is the old one or the new one."""
    listing = stored.listing
    adapter = listing.adapter or adapter_named("numpy")
    constants = {v: _host(v, x) for v, x in listing.constants.items()}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "xad": __version__,
        "library": adapter.name,
        "name": stored.name,
        "arguments": encoded_structure(stored.arguments),
        "results": encoded_structure(stored.results),
        "variables": {
            str(v.number): [_dtype(v, kind, adapter), list(kind.shape)]
            for v, kind in listing.kinds.items()
        },
        "inputs": [v.number for v in listing.inputs],
        "constants": [v.number for v in constants],
        "instructions": [_written(listing, x, adapter) for x in listing.instructions],
        "outputs": [_operand(x, adapter) for x in listing.outputs],
    }
    text = json.dumps(document, allow_nan=False)
    with write_atomically(path) as file, zipfile.ZipFile(file, "w") as folder:
        # The entries have no date: the same program makes the same file.
        folder.writestr(zipfile.ZipInfo(DOCUMENT), text)
        for v, host in constants.items():
            memory = io.BytesIO()
            np.lib.format.write_array(memory, host, allow_pickle=False)
            folder.writestr(zipfile.ZipInfo(_entry(v)), memory.getbuffer())


def _entry(variable: Variable) -> str:
    return f"constants/{variable.number}.npy"


def _dtype(variable: Variable, kind: Kind, adapter: Adapter) -> str:
    name = name_of_dtype(kind.dtype, adapter)
    if name is None:
        raise ProgramError(
            f"Program.save: expected data types of {adapter.name}, got {kind} for "
            f"{variable.name}; record a program that stays within one library"
        )
    return name


def _host(variable: Variable, x: Any) -> np.ndarray[Any, Any]:
    """A constant as NumPy's array."""
    while isinstance(x, Reverse):
        x = x.value
    if isinstance(x, Wrapper):
        raise ProgramError(
            f"Program.save: expected arrays as constants, got {type(x).__name__} for "
            f"{variable.name}, which belongs to a transformation around the recording; save the "
            "program outside of it"
        )
    adapter = adapter_of(x)
    host: np.ndarray[Any, Any] = np.asarray(adapter.host_copy(adapter.rewrap(x)))
    return host


def _operand(x: Any, adapter: Adapter) -> Any:
    return {"variable": x.number} if type(x) is Variable else encoded(x, adapter)


def _written(listing: Listing, instruction: Instruction, adapter: Adapter) -> dict[str, Any]:
    primitive, operands, params, outputs, several = instruction
    if primitives.get(primitive.name) is not primitive:
        raise ProgramError(
            f"Program.save: expected operations that have a name, got {primitive.name!r}, which is "
            "Python: a function with a rule of its own, or an operation that nobody registered; "
            "record the function without it, or what a transformation makes of it"
        )
    try:
        return {
            "operation": primitive.name,
            "operands": [_operand(x, adapter) for x in operands],
            "params": {key: encoded(value, adapter) for key, value in params.items()},
            "results": [v.number for v in outputs],
            **({"several": True} if several else {}),
        }
    except TypeError as error:
        raise ProgramError(
            f"Program.save: expected numbers, texts, data types and tuples of them as parameters, "
            f"got {error} in {listing.line(instruction)}"
        ) from None


# ---- reading ------------------------------------------------------------------------------------


def load(path: Path) -> Stored:
    """The program in a file, over NumPy's arrays if it can be, else over those it was made with.

    Errors: ProgramError for a file that is damaged, of a later format or none of `save`.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as folder:
                if any(x.compress_type != zipfile.ZIP_STORED for x in folder.infolist()):
                    # A few bytes could stand for more than there is memory for.
                    raise ValueError("expected entries without compression, as save writes them")
                with folder.open(DOCUMENT) as entry:
                    document = json.loads(_bytes_of(entry), parse_constant=_refuse)
                _check_format(path, document)
                return _read(folder, document)
        except (ProgramError, BackendError) as error:
            raise type(error)(
                f"{path}: {error}" if str(path) not in str(error) else error
            ) from None
        except UNREADABLE as error:
            reason = f"{type(error).__name__}: {error}"
            raise ProgramError(
                f"{path}: expected a program of format {VERSION} written by Program.save, got "
                f"{path.stat().st_size} bytes that cannot be read ({reason}); it is damaged, cut "
                "short or another kind of file: save it again"
            ) from error


def _bytes_of(file: IO[bytes], count: int | None = None) -> bytearray:
    """What is in there, ``count`` bytes at most: memory for what comes, not for what it claims."""
    data = bytearray()
    while count is None or len(data) < count:
        piece = file.read(PIECE if count is None else min(PIECE, count - len(data)))
        if not piece:
            break
        data += piece
    return data


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _check_format(path: Path, document: Any) -> None:
    if type(document) is not dict or document.get("format") != FORMAT:
        raise ValueError(f"no {FORMAT!r}")
    version = document.get("version")
    if type(version) is int and version > VERSION:
        raise ProgramError(
            f"{path}: expected a program of format {VERSION} or earlier, got format {version}, "
            f"written by xad {document.get('xad')}; install that xad or a later one (this is "
            f"{__version__})"
        )
    if version != VERSION:
        raise ValueError(f"no format {version!r}")


def _read(folder: zipfile.ZipFile, document: Mapping[str, Any]) -> Stored:
    arguments = decoded_structure(document["arguments"])
    results = decoded_structure(document["results"])
    try:
        listing = _listing(folder, document, adapter_named("numpy"), arguments, results)
    except BackendError:
        own = document["library"]
        if own not in known_backends() or own == "numpy":
            raise
        listing = _listing(folder, document, adapter_named(own), arguments, results)
    name = document["name"]
    if type(name) is not str or not name.isidentifier():
        raise ValueError(f"expected a name, got {str(name)[:60]!r}")
    return Stored(name, listing, arguments.structure, results.structure)


def _listing(
    folder: zipfile.ZipFile,
    document: Mapping[str, Any],
    adapter: Adapter,
    arguments: Decoded,
    results: Decoded,
) -> Listing:
    place = (adapter, adapter.default_device())
    kinds = {
        _variable(json.loads(number)): Kind(_shape(shape), dtype_named(dtype, adapter))
        for number, (dtype, shape) in document["variables"].items()
    }
    inputs = tuple(map(_variable, document["inputs"]))
    constants = {}
    for number in document["constants"]:
        v = _variable(number)
        constants[v] = _constant(folder, v, kinds[v], place)
    written: set[Any] = {*inputs, *constants}
    if len(written) != len(inputs) + len(constants) or not written <= kinds.keys():
        raise ValueError("inputs and constants are not variables, each once")
    instructions = tuple([_instruction(x, place, kinds, written) for x in document["instructions"]])
    outputs = tuple([_decoded_operand(x, place, written) for x in document["outputs"]])
    if (len(arguments.order), len(results.order)) != (len(inputs), len(outputs)):
        raise ValueError("as many leaves as inputs and outputs are needed")
    return Listing(
        inputs=tuple([inputs[i] for i in arguments.order]),
        constants=constants,
        instructions=instructions,
        outputs=tuple([outputs[i] for i in results.order]),
        kinds=kinds,
        adapter=adapter,
        device=place[1],
    )


def _variable(number: Any) -> Variable:
    if type(number) is not int or number < 0:
        raise ValueError(f"expected the number of a variable, got {str(number)[:60]}")
    return Variable(number)


def _shape(data: Any) -> tuple[int, ...]:
    if type(data) is not list or not all(type(n) is int and n >= 0 for n in data):
        raise ValueError(f"expected a shape, got {str(data)[:60]}")
    return tuple(data)


def _constant(folder: zipfile.ZipFile, variable: Variable, kind: Kind, place: Place) -> Any:
    adapter, device = place
    with folder.open(_entry(variable)) as file:
        host = _host_array(file, variable, kind)
    array = adapter.from_host(host, device)
    if (tuple(array.shape), array.dtype) != kind:
        raise ValueError(
            f"expected {kind} as constant {variable.name}, got {Kind(array.shape, array.dtype)}"
        )
    return array


def _host_array(file: IO[bytes], variable: Variable, kind: Kind) -> np.ndarray[Any, Any]:
    """An ``.npy``, if it is what the document says: looked at before there is memory for it."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"expected an .npy of version 1 or 2, got {version}")
    shape, in_columns, dtype = _HEADERS[version](file)
    if shape != kind.shape or dtype.hasobject:
        raise ValueError(f"expected {kind} as constant {variable.name}, got {dtype}{list(shape)}")
    count = prod(shape) * dtype.itemsize
    data = _bytes_of(file, count)
    if len(data) != count or file.read(1):
        raise ValueError(f"expected {count} bytes for constant {variable.name}, got others")
    host = np.ndarray(shape, dtype, data, order="F" if in_columns else "C")
    return host.astype(dtype.newbyteorder("="), copy=False)


_HEADERS: Mapping[tuple[int, int], Callable[[Any], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _decoded_operand(data: Any, place: Place, written: set[Any]) -> Any:
    if type(data) is not dict or "variable" not in data:
        value = decoded(data, place)
        if type(value) not in (bool, int, float, complex):
            raise ValueError(f"expected a variable or a number, got {str(data)[:60]}")
        return value
    variable = _variable(data["variable"])
    if variable not in written:
        raise ValueError(f"expected a variable that has a value, got {shown(variable)}")
    return variable


def _instruction(data: Any, place: Place, kinds: Any, written: set[Any]) -> Instruction:
    primitive = primitives.get(data["operation"])
    if primitive is None:
        raise ProgramError(
            f"expected an operation of xad {__version__}, or one that is declared here with "
            f"xad.extend, got {str(data['operation'])[:60]!r}; import the module that declares it, "
            "or load the file with the version of xad that wrote it"
        )
    operands = tuple([_decoded_operand(x, place, written) for x in data["operands"]])
    params = {str(key): decoded(value, place) for key, value in data["params"].items()}
    outputs = tuple(map(_variable, data["results"]))
    if not outputs or len(set(outputs)) != len(outputs) or written.intersection(outputs):
        raise ValueError(f"expected new variables for the results of {primitive.name}")
    if not kinds.keys() >= set(outputs):
        raise ValueError(f"expected a data type and a shape for the results of {primitive.name}")
    written.update(outputs)
    return Instruction(primitive, operands, params, outputs, data.get("several") is True)
