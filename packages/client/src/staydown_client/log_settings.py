"""The `[log]` table of filter.toml: whose signatures this filter believes for its list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError
from staydown_client.log.keys import VerifierKey, parse_vkey
from staydown_client.log.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAMES: Final = ("origin", "keys", "witnesses")
_WITNESS_NAMES: Final = ("need", "keys", "max_age_s")
_TEMPLATE: Final = """\
[log]
# Whose list this is and which keys sign it, pinned when the folder was made. Compare them with what the hub's operator
# says elsewhere. A new key is taken over only with an endorsement signed by one that is trusted already.
origin = "{origin}"
keys = [{keys}]
# Believe a list only once so many of these witnesses have signed it too, as late as so long ago:
{witnesses}
"""


def log_text(trust: Trust) -> str:
    """Return the table as it is written into a new folder's filter.toml."""
    # Keys and their names hold no quote and no backslash (`read_log` refuses these), so they are TOML strings.
    keys = "".join(f'\n  "{key.vkey}",' for key in trust.keys) + "\n"
    witnesses = (
        _witnesses_text(trust) if trust.need_k else '# witnesses = { need = 2, keys = ["..."], max_age_s = 3600 }'
    )
    return _TEMPLATE.format(origin=trust.origin, keys=keys, witnesses=witnesses)


def _witnesses_text(trust: Trust) -> str:
    keys = ", ".join(f'"{key.vkey}"' for key in trust.witnesses)
    age = "" if trust.max_witness_age_s is None else f", max_age_s = {trust.max_witness_age_s}"
    return f"witnesses = {{ need = {trust.need_k}, keys = [{keys}]{age} }}"


def trust_in(vkeys: Sequence[str]) -> Trust:
    """Return the trust in keys given as text, all of one log, whose origin is their name."""
    keys = tuple(parse_vkey(vkey) for vkey in vkeys)
    if not keys or any(not set(key.name).isdisjoint("\"\\'") for key in keys):
        raise ConfigurationError("A log's key is written as hub.example/list+8 hex digits+base64, on one line.")
    return Trust(origin=keys[0].name, keys=keys)


def read_log(table: Mapping[str, object]) -> Trust:
    """Read the `[log]` table; raise `ConfigurationError` naming the first setting that is wrong."""
    _refuse_unknown(table, "log", _NAMES)
    origin = table.get("origin")
    if not isinstance(origin, str):
        raise ConfigurationError("log.origin must be the log's name, such as hub.example/national.")
    witnesses = table.get("witnesses", {})
    if not isinstance(witnesses, dict):
        raise ConfigurationError("log.witnesses must be a table with need and keys.")
    _refuse_unknown(witnesses, "log.witnesses", _WITNESS_NAMES)
    try:
        return Trust(
            origin=origin,
            keys=_keys(table.get("keys"), "log.keys"),
            witnesses=_keys(witnesses.get("keys", []), "log.witnesses.keys"),
            need_k=_need(witnesses.get("need", 0)),
            max_witness_age_s=_age(witnesses.get("max_age_s")),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"[log]: {error}") from error


def _keys(value: object, name: str) -> tuple[VerifierKey, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"{name} must be a list of keys, each written as name+8 hex digits+base64.")
    return tuple(parse_vkey(each) for each in value)


def _need(value: object) -> int:
    if type(value) is not int:
        raise ConfigurationError("log.witnesses.need must be a whole number.")
    return value


def _age(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ConfigurationError("log.witnesses.max_age_s must be a number of seconds above 0.")
    return float(value)


def _refuse_unknown(table: Mapping[str, object], name: str, known: Sequence[str]) -> None:
    unknown = sorted(table.keys() - set(known))
    if unknown:
        raise ConfigurationError(f"{name}.{unknown[0]} is not a setting; there are {', '.join(known)}.")
