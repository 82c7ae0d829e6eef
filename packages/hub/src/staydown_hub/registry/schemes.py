"""The catalogue of schemes as the database knows it: every code once, for good."""

from staydown_hub.registry.errors import ChangedSchemeError
from staydown_hub.registry.models import SchemeCode
from staydown_hub.rules.schemes import Catalogue


def store(catalogue: Catalogue) -> None:
    """Add the codes of schemes that the database does not know. Raises ChangedSchemeError.

    What it knows of a scheme never changes: assessments were made by it. A scheme that is gone from the files stays.
    """
    known: dict[str, set[tuple[str, bool]]] = {}
    for row in SchemeCode.objects.all():
        known.setdefault(row.scheme, set()).add((row.code, row.qualifies))
    wanted: dict[str, set[tuple[str, bool]]] = {}
    for one in catalogue.all_named():
        wanted.setdefault(one.scheme, set()).add((one.code, one.qualifies))
    for scheme, codes in wanted.items():
        if scheme in known and known[scheme] != codes:
            raise ChangedSchemeError(scheme)
    SchemeCode.objects.bulk_create(
        [
            SchemeCode(scheme=one.scheme, code=one.code, qualifies=one.qualifies)
            for one in catalogue.all_named()
            if one.scheme not in known
        ],
        ignore_conflicts=True,
    )
