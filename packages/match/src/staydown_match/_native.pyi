"""
The compiled part of staydown_match. Use the package, which checks what it is given.
"""

from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


def pdq_from_rgb(pixels: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, 3), order='C', device='cpu', writable=False)]) -> tuple[bytes, int]: ...

def pdq_from_grey(pixels: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> tuple[bytes, int]: ...

@overload
def pdq_from_plane(plane: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), device='cpu', writable=False)], black: float, white: float) -> tuple[bytes, int]: ...

@overload
def pdq_from_plane(plane: Annotated[NDArray[numpy.uint16], dict(shape=(None, None), device='cpu', writable=False)], black: float, white: float) -> tuple[bytes, int]: ...

class BruteForceIndex:
    def __init__(self) -> None: ...

    def add(self, keys: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], hashes: Annotated[NDArray[numpy.uint8], dict(shape=(None, 32), order='C', device='cpu', writable=False)]) -> None: ...

    def remove(self, keys: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> int: ...

    def search(self, hashes: Annotated[NDArray[numpy.uint8], dict(shape=(None, 32), order='C', device='cpu', writable=False)], max_distance_bits: int) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,))], Annotated[NDArray[numpy.uint64], dict(shape=(None,))], Annotated[NDArray[numpy.int64], dict(shape=(None,))]]: ...

    def __len__(self) -> int: ...
