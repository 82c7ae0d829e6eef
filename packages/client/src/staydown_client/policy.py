"""What a platform chooses: how far a near match reaches and what follows from one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Answer: TypeAlias = Literal["block", "hold"]

# Equal to staydown_match's (a test holds it); repeated here so that deciding needs no native code.
MAX_DISTANCE_BITS: Final = 31
MIN_QUALITY: Final = 50


@dataclass(frozen=True, slots=True)
class Policy:
    """The `[policy]` table of filter.toml.

    exact, near: what follows from an exact match and from a near one; an entry that advises "hold" is only held.
    max_distance_bits: how many of PDQ's 256 bits may differ, 0 to 31.
    max_list_age_s: a file that an older list does not hold is "unchecked" instead of "allow"; None: any age.
    featureless: what follows for a picture with too little in it for a near match, once no exact fingerprint hit.
    every_frame: look at every frame of every video, which takes some ten times as long. Otherwise keyframes are looked
        at, and who makes a video can choose them so that they do not show what is between them.
    """

    exact: Answer = "block"
    near: Answer = "block"
    max_distance_bits: int = MAX_DISTANCE_BITS
    max_list_age_s: float | None = None
    featureless: Literal["unchecked", "allow"] = "unchecked"
    every_frame: bool = False


def read_policy(table: Mapping[str, object]) -> Policy:
    """Read the `[policy]` table; raise `ConfigurationError` naming the first setting that is wrong."""
    known = Policy.__dataclass_fields__.keys()
    for name in table:
        if name not in known:
            raise ConfigurationError(f"policy.{name} is not a setting; there are {', '.join(known)}.")
    default = Policy()
    return Policy(
        exact=_read_answer(table.get("exact", default.exact), "exact"),
        near=_read_answer(table.get("near", default.near), "near"),
        max_distance_bits=_read_distance(table.get("max_distance_bits", default.max_distance_bits)),
        max_list_age_s=_read_age(table.get("max_list_age_s")),
        featureless=_read_featureless(table.get("featureless", default.featureless)),
        every_frame=_read_switch(table.get("every_frame", default.every_frame), "every_frame"),
    )


def _read_answer(value: object, name: str) -> Answer:
    if value == "block":
        return "block"
    if value == "hold":
        return "hold"
    raise ConfigurationError(f'policy.{name} must be "block" or "hold".')


def _read_switch(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"policy.{name} must be true or false.")
    return value


def _read_featureless(value: object) -> Literal["unchecked", "allow"]:
    if value == "unchecked":
        return "unchecked"
    if value == "allow":
        return "allow"
    raise ConfigurationError('policy.featureless must be "unchecked" or "allow".')


def _read_distance(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_DISTANCE_BITS:
        raise ConfigurationError(f"policy.max_distance_bits must be a whole number from 0 to {MAX_DISTANCE_BITS}.")
    return value


def _read_age(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ConfigurationError("policy.max_list_age_s must be a number of seconds above 0.")
    return float(value)
