"""Arrays are refused at the edge: the native module only ever sees the shape and type that it was written for."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from staydown_match.types import InvalidValueError

Scalar = TypeVar("Scalar", bound=np.generic)


def checked_array(
    name: str, array: NDArray[Scalar], *, dtype: type[Scalar], shape: Sequence[int | str]
) -> NDArray[Scalar]:
    """Give `array` back in C order, copied only if it is not; raise InvalidValueError unless dtype and shape are right.

    A string in `shape` stands for any length and is its name in the message.
    """
    checked_shape(name, array, dtype=dtype, shape=shape)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def checked_shape(name: str, array: NDArray[Scalar], *, dtype: type[Scalar], shape: Sequence[int | str]) -> None:
    """Raise InvalidValueError unless dtype and shape are right; as checked_array, in whatever order the array lies."""
    # A search of one hash takes microseconds: what is right must pass at once, and only a refusal may take its time.
    if not isinstance(array, np.ndarray):
        raise InvalidValueError(f"{name}: give a {_described(dtype, shape)}, not {type(array).__name__}")
    if array.dtype.type is not dtype or not array.dtype.isnative or not _fits(array.shape, shape):
        raise InvalidValueError(
            f"{name}: give a {_described(dtype, shape)}, not a {array.dtype} array of shape {array.shape}"
        )


def _described(dtype: type[np.generic], shape: Sequence[int | str]) -> str:
    return f"{np.dtype(dtype)} array of shape ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _fits(lengths: Sequence[int], wanted: Sequence[Any]) -> bool:
    if len(lengths) != len(wanted):
        return False
    # A loop: all() over a generator costs more than the comparisons do.
    for length, want in zip(lengths, wanted, strict=True):  # noqa: SIM110  # see above
        if length != want and not isinstance(want, str):
            return False
    return True
