"""The scheme that every hub has, and the code that is recorded for an organisation that withdraws an entry.

All other codes are data: see ``rules.schemes`` and the folder ``schemes``.
"""

from typing import Final

SCHEME: Final = "baseline-1"
DOES_NOT_QUALIFY: Final = "NONE"
