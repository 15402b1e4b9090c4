"""How declared polars types are kept in Delta, which has no unsigned integers."""

import polars as pl

_SIGNED: dict[pl.DataType, pl.DataType] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.UInt64(): pl.Decimal(20, 0),
}


def stored_type(dtype: pl.DataType) -> pl.DataType:
    """Return the narrowest Delta type that holds every value of a declared type, also within lists.

    Parameters
    ----------
    dtype
        A declared polars type.

    Returns
    -------
    pl.DataType
        The same type, with unsigned integers widened to signed ones (64 bits to a 20-digit decimal).
    """
    if isinstance(dtype, pl.List):
        return pl.List(stored_type(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: stored_type(_instance(field.dtype)) for field in dtype.fields})
    return _SIGNED.get(dtype, dtype)


def stored_schema(schema: dict[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Return the schema in which a declared schema is kept on disk."""
    return {name: stored_type(dtype) for name, dtype in schema.items()}


def fits(found: pl.DataType, expected: pl.DataType) -> bool:
    """Tell whether a column can be cast to its declared type without a change: equal, or without any value.

    Parameters
    ----------
    found
        Type of the column at hand.
    expected
        Declared type.

    Returns
    -------
    bool
        True when both are equal; `Null` (a column of nulls, or of empty lists) is equal to anything.
    """
    if found == pl.Null() or found == expected:
        return True
    if isinstance(found, pl.List) and isinstance(expected, pl.List):
        return fits(_instance(found.inner), _instance(expected.inner))
    if isinstance(found, pl.Struct) and isinstance(expected, pl.Struct):
        return [f.name for f in found.fields] == [f.name for f in expected.fields] and all(
            fits(_instance(a.dtype), _instance(b.dtype)) for a, b in zip(found.fields, expected.fields, strict=True)
        )
    return False


def _instance(dtype: object) -> pl.DataType:
    """Polars allows both `pl.String` and `pl.String()` inside nested types."""
    if isinstance(dtype, pl.DataType):
        return dtype
    made = dtype() if isinstance(dtype, type) else None
    if not isinstance(made, pl.DataType):
        raise TypeError(f"`{dtype!r}` is not a polars type")
    return made
