"""How deep the boxes of a container lie in one another, read before any decoder follows them down.

Decoders of the formats that are built of boxes call themselves for each box inside a box; files that nest thousands
deep are made to exhaust their stack.
"""

from typing import BinaryIO

from staydown_match.boxes import boxes_of


def nests_deeper_than(file: BinaryIO, max_depth: int) -> bool:
    """Say whether boxes lie in one another deeper than `max_depth` in `file`, which can seek.

    False for files of all other formats.
    """
    return any(depth >= max_depth and box.holds_boxes for depth, box in boxes_of(file))
