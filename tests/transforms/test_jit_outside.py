"""jit: what changes outside of a recorded function is noticed."""

import argparse
import collections
import contextvars
import copy
import dataclasses
import functools
import pickle
import random
import sys
import threading
import types
import warnings

import numpy as np
import pytest

import xad
from xad.errors import ProgramError


@pytest.fixture
def noticed(here, close):
    """A check that a program is replayed, and not once more after a change."""

    def check(f, change, *before, gives, was=(2.0, 4.0)):
        jitted = xad.jit(f)
        x = here.array([1.0, 2.0])
        for _ in range(3):  # the third time by code that was generated for it
            close(jitted(*before, x), list(was))
        assert jitted.cache_info()[:2] == (2, 1)
        change()
        for _ in range(3):
            close(jitted(*before, x), list(gives))

    return check


class Switched:
    training = True

    def __call__(self, x):
        return x * 2 if self.training else x

    def method(self, x):
        return self.inner(x)

    def inner(self, x):
        return x * 2


class Heir(Switched):
    pass


def test_instance_attributes_over_defaults_of_the_class(noticed, monkeypatch):
    model = Switched()
    noticed(model, lambda: setattr(model, "training", False), gives=(1.0, 2.0))
    noticed(model.method, lambda: setattr(model, "inner", lambda x: x * 3), gives=(3.0, 6.0))
    heir = Heir()
    change = lambda: monkeypatch.setattr(Heir, "inner", lambda _, x: x * 4, raising=False)  # noqa: E731
    noticed(heir.method, change, gives=(4.0, 8.0))
    noticed(
        heir.method,
        lambda: setattr(heir, "__dict__", {"inner": lambda x: x}),
        was=(4.0, 8.0),
        gives=(1.0, 2.0),
    )


def test_objects_that_change_their_class(noticed):
    class Other(Switched):
        def inner(self, x):
            return x * 5

    model = Switched()
    noticed(model.method, lambda: setattr(model, "__class__", Other), gives=(5.0, 10.0))


factor = 2.0


@dataclasses.dataclass
class Layer:
    weight: object
    other = 1.0

    def __call__(self, x):
        return x * self.weight * factor


class Pair(collections.namedtuple("Pair", "first second")):
    def times(self, x):
        return x * self.first * factor


def test_methods_of_dataclasses_among_the_arguments(noticed, monkeypatch):
    change = functools.partial(monkeypatch.setitem, globals(), "factor", 3.0)
    noticed(lambda m, x: m(x), change, Layer(1.0), gives=(3.0, 6.0))
    change = functools.partial(monkeypatch.setitem, globals(), "factor", 5.0)
    noticed(lambda p, x: p.times(x), change, Pair(1.0, 2.0), was=(3.0, 6.0), gives=(5.0, 10.0))
    change = functools.partial(monkeypatch.setattr, Layer, "__call__", lambda _, x: x)
    noticed(lambda m, x: m(x), change, Layer(1.0), was=(5.0, 10.0), gives=(1.0, 2.0))


def test_what_is_no_field_of_a_captured_dataclass(noticed):
    layer = Layer(2.0)
    noticed(
        lambda x: x * layer.weight * layer.other,
        lambda: setattr(layer, "other", 2.0),
        gives=(4.0, 8.0),
    )
    noticed(
        lambda x: x * layer.weight * layer.other,
        lambda: setattr(layer, "weight", 3.0),
        was=(4.0, 8.0),
        gives=(6.0, 12.0),
    )


def test_classes_as_namespaces(noticed, monkeypatch):
    class Config:
        rate = 2.0

        @classmethod
        def of_class(cls, x):
            return x * cls.rate

        @staticmethod
        def static(x):
            return x * factor

        def __init__(self):
            self.made = factor

    class Inherited(Config):
        pass

    def class_within(x):
        class Inner:
            def go(self, x):
                return x * factor

        return Inner().go(x)

    for f in (lambda x: x * Config.rate, lambda x: x * Inherited.rate, Inherited.of_class):
        Config.rate = 2.0
        noticed(f, lambda: setattr(Config, "rate", 3.0), gives=(3.0, 6.0))
    for f in (lambda x: Config.static(x), class_within, lambda x: x * Config().made):
        monkeypatch.setitem(globals(), "factor", 2.0)
        noticed(f, lambda: monkeypatch.setitem(globals(), "factor", 3.0), gives=(3.0, 6.0))


def test_metaclasses(noticed):
    class Meta(type):
        @property
        def rate(cls):
            return cls._rate

    class Config(metaclass=Meta):
        _rate = 2.0

    noticed(lambda x: x * Config.rate, lambda: setattr(Config, "_rate", 3.0), gives=(3.0, 6.0))


class Descriptor:
    def __get__(self, instance, owner=None):
        return self if instance is None else instance.hidden


class Magic:
    described = Descriptor()

    def __init__(self):
        self.hidden = 2.0
        self.w0 = 2.0

    @property
    def rate(self):
        return self.hidden

    def __matmul__(self, x):
        return self.hidden * x

    def __getitem__(self, i):
        return self.hidden * i

    def __len__(self):
        return int(self.hidden)

    def __iter__(self):
        return iter([self.hidden])

    def __enter__(self):
        return self.hidden

    def __exit__(self, *_):
        pass

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self.hidden


def with_statement(magic, x):
    with magic as value:
        return x * value


USES = {
    "property": lambda magic, x: x * magic.rate,
    "descriptor": lambda magic, x: x * magic.described,
    "operator": lambda magic, x: magic @ x,
    "item": lambda magic, x: x * magic[1],
    "len": lambda magic, x: x * len(magic),
    "iteration": lambda magic, x: x * next(iter(magic)),
    "with": with_statement,
    "getattr": lambda magic, x: x * magic.whatever,
    "vars": lambda magic, x: x * vars(magic)["hidden"],
    "made up": lambda magic, x: x * getattr(magic, "hid" + "den"[: len("den")]),
    "name by itself": lambda magic, x: x * getattr(magic, "hidden", 1.0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_attributes_and_operators_lead_to(use, noticed):
    magic = Magic()
    noticed(lambda x: use(magic, x), lambda: setattr(magic, "hidden", 3.0), gives=(3.0, 6.0))


def test_names_that_do_not_occur_in_the_code_do_not_count(here):
    model = Switched()
    model.count = 0
    jitted = xad.jit(lambda x: model(x) * getattr(model, "absent", 1.0))
    for _ in range(3):
        model.count += 1
        jitted(here.array([1.0]))
    assert jitted.cache_info()[:2] == (2, 1)


class Slotted:
    __slots__ = ("later", "rate")


def test_slots(noticed):
    slotted = Slotted()
    slotted.rate = 2.0
    f = lambda x: x * slotted.rate * getattr(slotted, "later", 1.0)  # noqa: E731
    noticed(f, lambda: setattr(slotted, "rate", 3.0), gives=(3.0, 6.0))
    noticed(f, lambda: setattr(slotted, "later", 2.0), was=(3.0, 6.0), gives=(6.0, 12.0))


@pytest.mark.parametrize("kind", [types.SimpleNamespace, argparse.Namespace])
def test_namespaces_of_the_standard_library(kind, noticed):
    settings = kind(rate=2.0)
    noticed(lambda x: x * settings.rate, lambda: setattr(settings, "rate", 3.0), gives=(3.0, 6.0))
    name = "rate"
    f = lambda x: x * getattr(settings, name)  # noqa: E731
    noticed(f, lambda: setattr(settings, "rate", 2.0), was=(3.0, 6.0), gives=(2.0, 4.0))


class OwnDict(dict):
    pass


class OwnList(list):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    "kind",
    [dict, collections.OrderedDict, collections.Counter, OwnDict, collections.UserDict],
)
def test_mappings(kind, noticed):
    table = kind({"rate": 2.0})
    noticed(lambda x: x * table["rate"], lambda: table.__setitem__("rate", 3.0), gives=(3.0, 6.0))
    get = table.get
    noticed(
        lambda x: x * get("rate"),
        lambda: table.__setitem__("rate", 2.0),
        was=(3.0, 6.0),
        gives=(2.0, 4.0),
    )


@pytest.mark.parametrize("kind", [list, collections.deque, OwnList, collections.UserList])
def test_sequences(kind, noticed):
    rates = kind([2.0])
    noticed(lambda x: x * rates[0], lambda: rates.__setitem__(0, 3.0), gives=(3.0, 6.0))


def test_other_containers(noticed):
    names, table, buffer = {"double"}, {"rate": 2.0}, bytearray([2])
    view = types.MappingProxyType(table)
    noticed(lambda x: x * (2 if "double" in names else 3), names.clear, gives=(3.0, 6.0))
    noticed(lambda x: x * view["rate"], lambda: table.update(rate=3.0), gives=(3.0, 6.0))
    noticed(lambda x: x * buffer[0], lambda: buffer.__setitem__(0, 3), gives=(3.0, 6.0))


def test_containers_that_hold_themselves(noticed):
    table, parts = {"rate": 2.0}, [2.0]
    table["self"] = parts
    parts.append(table)
    noticed(lambda x: x * table["rate"], lambda: table.update(rate=3.0), gives=(3.0, 6.0))
    noticed(lambda x: x * parts[0], lambda: parts.__setitem__(0, 3.0), gives=(3.0, 6.0))


def test_long_chains(noticed):
    chain = end = [2.0]
    for _ in range(5000):
        chain = [chain]
    noticed(
        lambda x: x * (end[0] if chain else 0), lambda: end.__setitem__(0, 3.0), gives=(3.0, 6.0)
    )


def test_functions_that_change(noticed):
    def helper(x, by=2.0):
        return x * by

    def rated(x):
        return x * rated.rate

    def optional(x):
        return x * getattr(optional, "rate", 2.0)

    rated.rate = 2.0
    noticed(lambda x: helper(x), lambda: setattr(helper, "__defaults__", (3.0,)), gives=(3.0, 6.0))
    other = lambda x, by: x * by + 1  # noqa: E731
    change = functools.partial(setattr, helper, "__code__", other.__code__)
    noticed(lambda x: helper(x), change, was=(3.0, 6.0), gives=(4.0, 7.0))
    for f in (rated, optional):
        noticed(lambda x, f=f: f(x), lambda f=f: setattr(f, "rate", 3.0), gives=(3.0, 6.0))


def test_rules_of_functions_with_rules_of_their_own(noticed):
    scale = 2.0

    @xad.custom_vjp
    def square(x):
        return x * x

    @xad.custom_jvp
    def cube(x):
        return x**3

    def rule(primals, tangents):
        return primals[0] ** 3, tangents[0] * scale * primals[0]

    def change():
        nonlocal scale
        scale = 3.0

    square.defvjp(lambda x: (x * x, x), lambda x, g: (g * scale * x,))
    cube.defjvp(rule)
    for f in (square, cube):
        scale = 2.0
        gradient = lambda x, f=f: xad.grad(lambda x: xad.sum(f(x)))(x)  # noqa: E731
        noticed(gradient, change, gives=(3.0, 6.0))
    gradient = lambda x: xad.grad(lambda x: xad.sum(square(x)))(x)  # noqa: E731
    again = functools.partial(square.defvjp, lambda x: (x * x, x), lambda x, g: (g * x,))
    noticed(gradient, again, was=(3.0, 6.0), gives=(1.0, 2.0))


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    def make(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)
        found = __import__(name)
        monkeypatch.setitem(sys.modules, name, found)
        return found

    return make


def test_modules_of_users_with_a_name_from_the_standard_library(noticed, module_of):
    module = module_of("symtable", "rate = 2.0\ndef f(x):\n    return x * rate\n")
    noticed(lambda x: module.f(x), lambda: setattr(module, "rate", 3.0), gives=(3.0, 6.0))


def test_modules_that_are_imported_inside(noticed, module_of):
    def whole(x):
        import settings_of_a_user

        return x * settings_of_a_user.rate

    def part(x):
        from settings_of_a_user import rate

        return x * rate

    module = module_of("settings_of_a_user", "rate = 2.0\n")
    noticed(whole, lambda: setattr(module, "rate", 3.0), gives=(3.0, 6.0))
    noticed(part, lambda: setattr(module, "rate", 2.0), was=(3.0, 6.0), gives=(2.0, 4.0))


def test_context_variables_and_thread_locals(noticed):
    variable = contextvars.ContextVar("variable", default=2.0)
    local = threading.local()
    local.rate = 2.0
    noticed(lambda x: x * variable.get(), lambda: variable.set(3.0), gives=(3.0, 6.0))
    noticed(lambda x: x * local.rate, lambda: setattr(local, "rate", 3.0), gives=(3.0, 6.0))


def test_a_global_that_hides_a_builtin(noticed, monkeypatch):
    def change():
        monkeypatch.setitem(globals(), "abs", lambda x: 3.0)

    noticed(lambda x: x * abs(-2.0), change, gives=(3.0, 6.0))


def test_zeros_have_signs_and_equal_texts_are_the_same(here, close):
    zero, mode = 0.0, "train"
    jitted = xad.jit(lambda x: xad.copysign(x, here.array(zero)) if mode == "train" else x)
    x = here.array([1.0])
    close(jitted(x), [1.0])
    mode = "".join(["tr", "ain"])
    close(jitted(x), [1.0])
    assert jitted.cache_info().misses == 1
    zero = -0.0
    close(jitted(x), [-1.0])


@pytest.mark.parametrize("size", [4, 4000])
def test_shapes_that_are_assigned_to(size):
    w = np.arange(float(size))
    jitted = xad.jit(lambda x: w * 1)
    with xad.use_backend("numpy"):
        assert jitted(np.asarray(2.0)).shape == (size,)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            w.shape = (2, size // 2)
        assert jitted(np.asarray(2.0)).shape == (2, size // 2)


def test_memory_of_torch(require_library):
    require_library("torch")
    import torch

    x = np.ones(2)
    below = torch.zeros(10_000, dtype=torch.float64)
    above = below.numpy()
    jitted = xad.jit(lambda x: x + above[:2])
    assert jitted(x)[0] == 1.0
    below.fill_(5.0)
    assert jitted(x)[0] == 6.0
    w = torch.ones(2)
    jitted = xad.jit(lambda x: x * w)
    assert jitted(torch.ones(2))[0] == 1.0
    w.data = torch.full((2,), 3.0)
    assert jitted(torch.ones(2))[0] == 3.0


# ---- random numbers from outside -----------------------------------------------------------------

GENERATOR = np.random.default_rng(0)


def by_default(x, rng=GENERATOR):
    return x * rng.random()


def by_keyword(x, *, rng=GENERATOR):
    return x * rng.random()


def drawing(x, rng):
    return x * rng.random()


def drawing_functions():
    """Functions that take a generator from outside, with arguments and options."""
    slotted = Slotted()
    slotted.rate = GENERATOR
    holder = types.SimpleNamespace(rng=GENERATOR)
    bound, state, python = GENERATOR.random, np.random.RandomState(0), random.Random(0)
    legacy, plain = np.random.random, random.random
    return {
        "default": (by_default, (), {}),
        "keyword": (by_keyword, (), {}),
        "partial": (functools.partial(drawing, rng=GENERATOR), (), {}),
        "static": (drawing, (GENERATOR,), {"static_argnums": 1}),
        "slots": (lambda x: x * slotted.rate.random(), (), {}),
        "namespace": (lambda x: x * holder.rng.random(), (), {}),
        "bound": (lambda x: x * bound(), (), {}),
        "RandomState": (lambda x: x * state.random(), (), {}),
        "RandomState argument": (drawing, (state,), {}),
        "Random": (lambda x: x * python.random(), (), {}),
        "Random argument": (drawing, (python,), {}),
        "numpy.random": (lambda x: x * legacy(), (), {}),
        "random": (lambda x: x * plain(), (), {}),
    }


@pytest.mark.parametrize("name", drawing_functions())
def test_generators_that_are_no_argument_are_refused(name, here):
    f, more, options = drawing_functions()[name]
    with pytest.raises(ProgramError, match=r"pass the generator: f\(x, rng\)"):
        xad.jit(f, **options)(here.array([1.0]), *more)


@pytest.fixture
def other_thread():
    """A thread that draws from the global generators all the time."""
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            np.random.random()
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    stop.set()
    thread.join()


def long(x):
    for i in range(150):
        x = x + i
    return x


def test_draws_of_other_threads_are_none_of_ours(here, other_thread):
    x = here.array([1.0])
    with warnings.catch_warnings():
        # Where a library lets threads in at each operation, nobody can tell.
        warnings.filterwarnings("ignore", "xad.jit: .* was drawn from")
        xad.jit(long)(x)
    with pytest.warns(UserWarning, match=r"random was drawn from while a function was recorded"):
        xad.jit(lambda x: long(x) * random.random())(x)


def test_draws_beside_a_thread_that_does_not_draw_are_refused(here):
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with pytest.raises(ProgramError, match=r"got some from numpy\.random outside"):
            xad.jit(lambda x: x * np.random.random())(here.array([1.0]))
    finally:
        stop.set()
        thread.join()


def test_where_another_thread_drew_once_the_function_is_recorded_again(here, close):
    times = 0

    def f(x):
        nonlocal times
        times += 1
        if times == 1:
            thread = threading.Thread(target=np.random.random)
            thread.start()
            thread.join()
        return x * 2

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        close(xad.jit(f)(here.array([1.0])), [2.0])
    finally:
        stop.set()
        thread.join()


# ---- the jitted function itself ------------------------------------------------------------------


@xad.jit
def named(x):
    return x * 2


def test_copies_and_pickles(here, close):
    x = here.array([1.0])
    close(named(x), [2.0])
    assert pickle.loads(pickle.dumps(named)) is named
    assert copy.deepcopy(named) is named
    jitted = xad.jit(by_two, limit=3, static_argnums=1)
    close(jitted(x, 1), [2.0])
    for twin in (copy.deepcopy(jitted), pickle.loads(pickle.dumps(jitted))):
        assert twin is not jitted
        assert twin.cache_info() == (0, 0, 0, 3)
        close(twin(x, 1), [2.0])


def by_two(x, n):
    return x * 2


def test_clear_cache_lets_go_of_the_last_program_too(here):
    jitted = xad.jit(lambda x: x * 2)
    jitted(here.array([1.0]))
    jitted.clear_cache()
    with pytest.raises(ProgramError, match="expected a program, got none"):
        jitted.source  # noqa: B018


@pytest.mark.parametrize("limit", [0, -1, 2.5])
def test_limits_are_positive(limit):
    with pytest.raises(ValueError, match=f"expected a limit of at least 1 program, got {limit}"):
        xad.jit(lambda x: x, limit=limit)


@pytest.mark.parametrize(
    "draw",
    [
        lambda own: np.random.normal(size=2),
        lambda own: np.asarray([random.random(), 0.0]),
        lambda own: own.normal(size=2),
    ],
    ids=["NumPy's", "Python's", "its own"],
)
def test_refused_draws_are_there_for_who_draws_next(draw):
    np.random.seed(0)
    random.seed(0)
    own = np.random.default_rng(0)
    with pytest.raises(ProgramError, match="pass the generator"):
        xad.jit(lambda x: x + draw(own))(np.ones(2))
    found = draw(own)
    np.random.seed(0)
    random.seed(0)
    np.testing.assert_array_equal(found, draw(np.random.default_rng(0)))
