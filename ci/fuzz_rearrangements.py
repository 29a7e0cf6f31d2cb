"""Steps of random programs that move elements: shapes, joining, keys, assignment."""

from __future__ import annotations

from math import prod

from fuzz_operations import Pool, Shape, Step, has_axes


def reshaped(pool: Pool) -> Step | None:
    """The same elements in another shape, or repeated along new axes."""
    a = pool.pick()
    if a is None:
        return None
    shape = pool.shapes[a]
    size = prod(shape)
    shapes = [(size,), (1, size), (size, 1), (1, size, 1)]
    shapes += [(m, size // m) for m in (2, 3, 4) if size % m == 0 and size > m]
    if size % 4 == 0:
        shapes.append((2, 2, size // 4))
    whole = pool.choice(shapes)
    order = pool.random.sample(range(len(shape)), len(shape))
    made = [
        f"xp.reshape({{0}}, {whole})",
        f"xp.reshape({{0}}, {(*whole[:-1], -1)})",
        f"xp.expand_dims({{0}}, axis={pool.choice([0, -1, len(shape)])})",
        "xp.stack([{0}, {0}], axis=-1)",
        "xp.concat([{0}, 2.0 * {0}], axis=None)",
        f"xp.broadcast_to({{0}}, {(2, *shape)})",
        f"xp.tile({{0}}, {(2, *[1] * (len(shape) - 1))})",
        "xp.repeat({0}, 2)",
        "xp.flip({0})",
        "xp.ones_like({0}) + {0}",
    ]
    if shape:
        made += [
            f"xp.permute_dims({{0}}, {tuple(order)})",
            f"xp.moveaxis({{0}}, 0, {pool.axis_of(shape)})",
            f"xp.roll({{0}}, {pool.choice([1, 2, -1])})",
            f"xp.roll({{0}}, (1, -1), axis=(0, {pool.axis_of(shape)}))",
        ]
    if len(shape) == 1:
        made += ["xp.meshgrid({0}, {0}[:2])[0]"]
    if 1 in shape:
        made += [f"xp.squeeze({{0}}, axis={shape.index(1)})"] * 3
    return pool.choice(made), (a,), ""


def joined(pool: Pool) -> Step | None:
    """Two values in one array."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    shape = pool.shapes[a]
    b = pool.pick(lambda s: s == shape) or a
    axis = pool.axis_of(shape)
    longer = pool.pick(lambda s: s[1:] == shape[1:] and len(s) == len(shape)) or a
    return pool.choice(
        [
            (f"xp.stack([{{0}}, {{1}}], axis={pool.axis_of((*shape, 1))})", (a, b), ""),
            (f"xp.concat([{{0}}, {{1}}], axis={axis})", (a, b), ""),
            ("xp.concat([{0}, {1}])", (a, longer), ""),
            ("xp.broadcast_arrays({0}, {1})[1]", (a, b), ""),
            ("xp.meshgrid({0}[0, ...], {1}[-1, ...])[1]", (a, b), "")
            if len(shape) == 2
            else ("xp.concat([{0}, {1}])", (a, b), ""),
        ]
    )


# ---- keys ----------------------------------------------------------------------------------------


def basic_key(pool: Pool, shape: Shape) -> str:
    """Integers, slices, an ellipsis, new axes."""
    parts = []
    for n in shape:
        start = pool.random.randrange(n)
        parts.append(
            pool.choice(
                [
                    str(pool.random.randrange(-n, n)),
                    ":",
                    f"{start}:",
                    f":{start + 1}",
                    "::-1",
                    f"{start}::2",
                ]
            )
        )
    if pool.random.random() < 0.2:
        parts.insert(pool.random.randrange(len(parts) + 1), "None")
    if pool.random.random() < 0.3:
        parts[pool.random.randrange(len(parts)) :] = ["..."]
    return ", ".join(parts)


def array_key(pool: Pool, shape: Shape) -> str:
    """Integer arrays with repetitions, masks, slices beside them."""
    n, last = shape[0], shape[-1]
    indices = [pool.random.randrange(-n, n) for _ in range(pool.choice([2, 3]))]
    mask = [pool.random.random() < 0.5 for _ in range(n)]
    mask[pool.random.randrange(n)] = True
    keys = [f"np.asarray({indices})", f"np.asarray({mask})"]
    if len(shape) > 1:
        columns = [pool.random.randrange(last) for _ in range(2)]
        rows = [pool.random.randrange(n) for _ in range(2)]
        keys += [
            f"..., np.asarray({columns})",
            f"::-1, np.asarray([{pool.random.randrange(shape[1])}, 0])",
        ]
        if len(shape) == 2:
            keys.append(f"np.asarray({rows}), np.asarray({columns})")
    return str(pool.choice(keys))


def any_key(pool: Pool, shape: Shape) -> str:
    """One or the other."""
    return basic_key(pool, shape) if pool.random.random() < 0.5 else array_key(pool, shape)


def indexed(pool: Pool) -> Step | None:
    """Some of the elements, by constants or by what the program computes."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    shape = pool.shapes[a]
    axis = pool.axis_of(shape)
    n = shape[axis]
    largest = f"xp.argmax({{0}}, axis={axis}, keepdims=True)"
    indices = [pool.random.randrange(n) for _ in range(pool.choice([2, 3]))]
    ordered = f"gaps({{0}}, {axis})"
    return pool.choice(
        [
            (f"{{0}}[{basic_key(pool, shape)}]", (a,), ""),
            (f"{{0}}[{basic_key(pool, shape)}]", (a,), ""),
            (f"{{0}}[{array_key(pool, shape)}]", (a,), ""),
            (f"{{0}}[{array_key(pool, shape)}]", (a,), ""),
            (f"xp.take({{0}}, xp.asarray({indices}), axis={axis})", (a,), ""),
            (
                f"xp.take_along_axis({{0}}, {largest}, axis={axis})",
                (a,),
                ordered,
            ),
            (
                "xp.take({0}, xp.argsort({0}[(..., *[0] * ({0}.ndim - 1))]), axis=0)",
                (a,),
                "gaps({0}[(..., *[0] * ({0}.ndim - 1))])",
            ),
        ]
    )


def changed(pool: Pool) -> Step | None:
    """An array with some elements replaced, or something added to them."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    shape = pool.shapes[a]
    scalar = pool.pick(lambda s: s == ())
    value, b = ("{1}", scalar) if scalar else ("xp.mean({1})", pool.pick() or a)
    key = basic_key(pool, shape)
    anything = any_key(pool, shape)
    mask = [pool.random.random() < 0.5 for _ in range(shape[0])]
    template = pool.choice(
        [
            f"xp.assigned({{0}}, np.s_[{key}], {value})",
            f"xp.assigned({{0}}, np.s_[{anything}], {value})",
            f"xp.assigned({{0}}, np.s_[{key}], xp.sin({{0}}[{key}]))",
            f"xp.assigned({{0}}, np.asarray({mask}), {value})",
            f"xp.at({{0}})[{anything}].add({value})",
            f"xp.at({{0}})[{key}].multiply({value})",
            f"xp.at({{0}})[{key}].add(xp.cos({{0}}[{key}]))",
            f"xp.at({{0}})[{anything}].set({value})",
        ]
    )
    return template, (a, b) if "{1}" in template else (a,), ""
