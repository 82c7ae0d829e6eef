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
    return np.ascontiguousarray(array)


def checked_shape(name: str, array: NDArray[Scalar], *, dtype: type[Scalar], shape: Sequence[int | str]) -> None:
    """Raise InvalidValueError unless dtype and shape are right; as checked_array, in whatever order the array lies."""
    wanted = f"{np.dtype(dtype)} array of shape ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    if not isinstance(array, np.ndarray):
        raise InvalidValueError(f"{name}: give a {wanted}, not {type(array).__name__}")
    if array.dtype != dtype or not _fits(array.shape, shape):
        raise InvalidValueError(f"{name}: give a {wanted}, not a {array.dtype} array of shape {array.shape}")


def _fits(lengths: Sequence[int], wanted: Sequence[Any]) -> bool:
    if len(lengths) != len(wanted):
        return False
    return all(isinstance(want, str) or length == want for length, want in zip(lengths, wanted, strict=True))
