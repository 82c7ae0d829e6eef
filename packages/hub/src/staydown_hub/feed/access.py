"""Who asks, and for which list: the same keys as the API's, the same rule of who may follow."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from staydown_hub.feed.answers import RefusedError
from staydown_hub.feed.database import Database, Detail, KeyRow, ListRow
from staydown_hub.rules.audience import may_follow
from staydown_hub.rules.callers import Origin, may_call_from
from staydown_hub.rules.keys import bearer_token, prefix_of, same_hash

_FOLLOWING: Final = frozenset({"filter", "read"})


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request shows of who asks: its ``Authorization`` header, and where it comes from."""

    authorization: str | None
    origin: Origin

    def __repr__(self) -> str:
        """Leave the token out, so that no log line or traceback can hold it."""
        return f"Asking({self.origin})"


async def authenticated(database: Database, asking: Asking) -> KeyRow:
    """Return the key that the request carries; refuse with 401 when there is none that works from there."""
    token = bearer_token(asking.authorization)
    prefix = prefix_of(token) if token else None
    key = await database.key(prefix) if prefix else None
    if token is None or key is None or not same_hash(token, key.token_hash):
        raise _unauthorised()
    if not is_usable(key):
        detail: Detail = {"prefix": prefix or "", "revoked": key.is_revoked}
        await database.record_refusal(key, act="key refused", detail=detail)
        raise _unauthorised()
    if not may_call_from(asking.origin, networks=key.networks, subject=key.client_subject):
        elsewhere: Detail = {"prefix": prefix or "", "revoked": False, "elsewhere": True}
        await database.record_refusal(key, act="key refused", detail=elsewhere)
        raise _unauthorised()
    await database.note_use(key)
    return key


async def list_for(database: Database, key: KeyRow, slug: str) -> ListRow:
    """Return the list if the key's organisation receives it; else refuse, and write that to the audit log."""
    if _FOLLOWING.isdisjoint(key.scopes):
        message = "The feed needs a key with the scope filter or read: ask the hub's operator for one."
        raise await _refused(database, key, RefusedError(HTTPStatus.FORBIDDEN, "forbidden", message))
    found = await database.list_called(slug)
    if found is None or not receives(key, found):
        message = "There is no such list here, or it is not for your organisation."
        raise await _refused(database, key, RefusedError(HTTPStatus.NOT_FOUND, "not_found", message))
    return found


def is_usable(key: KeyRow) -> bool:
    """Tell whether the key is neither revoked nor expired, and whom it acts for is here."""
    return not (key.is_revoked or key.is_expired)


def receives(key: KeyRow, shared_list: ListRow) -> bool:
    """Tell whether the key's organisation is in the list's audience."""
    return may_follow(kind=key.kind, scopes=key.scopes, audience_kinds=shared_list.audience_kinds)


async def _refused(database: Database, key: KeyRow, refusal: RefusedError) -> RefusedError:
    detail: Detail = {"route": "/feed/v1/lists", "status": int(refusal.status)}
    await database.record_refusal(key, act="request refused", detail=detail)
    return refusal


def _unauthorised() -> RefusedError:
    message = "Send a key of your organisation that is neither revoked nor expired: Authorization: Bearer sdk_..."
    return RefusedError(HTTPStatus.UNAUTHORIZED, "unauthorised", message)
