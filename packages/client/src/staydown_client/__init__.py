"""Staydown at a member's premises: refuse what is listed, report and assess by fingerprints alone.

    from staydown_client import Filter

    uploads = Filter.open("/var/lib/staydown/filter")
    if uploads.check("upload.jpg").action != "allow":
        ...

The names below are all that is public; they load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staydown_client.errors import (
        BadValueError,
        ConfigurationError,
        FolderBusyError,
        FolderError,
        HubError,
        HubMisbehavedError,
        HubRefusedError,
        HubUnavailableError,
        StaydownError,
    )
    from staydown_client.filter import Filter, LookUp
    from staydown_client.following import Following
    from staydown_client.judge import Judge
    from staydown_client.policy import Policy, Rule
    from staydown_client.verdict import Action, Problem, Reason, Verdict

__version__ = "0.1.0"

__all__ = [
    "Action",
    "BadValueError",
    "ConfigurationError",
    "Filter",
    "FolderBusyError",
    "FolderError",
    "Following",
    "HubError",
    "HubMisbehavedError",
    "HubRefusedError",
    "HubUnavailableError",
    "Judge",
    "LookUp",
    "Policy",
    "Problem",
    "Reason",
    "Rule",
    "StaydownError",
    "Verdict",
]

_MODULES = {
    "Filter": "filter",
    "Following": "following",
    "Judge": "judge",
    "LookUp": "filter",
    "Policy": "policy",
    "Rule": "policy",
} | dict.fromkeys(("Action", "Problem", "Reason", "Verdict"), "verdict")


def __getattr__(name: str) -> object:
    """Load a public name: `staydown --help` must not wait for numpy, and a filter not for HTTP."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    return found
