"""The schemes by which items are assessed, and what other registers call their codes."""

from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Strict
from staydown_hub.rules.schemes import Code, Scheme
from staydown_hub.schemes.catalogue import known

router = Router(tags=["schemes"])


class VocabularyForm(Strict):
    """Another register or format, and its terms."""

    vocabulary: str
    name: str
    terms: list[str]


class CodeForm(Strict):
    """A code: whether it qualifies, where it lies on the axes, its terms in each vocabulary, or why it has none."""

    code: str
    qualifies: bool
    axes: dict[str, str]
    maps: dict[str, list[str]]
    unmapped: dict[str, str]


class SchemeForm(Strict):
    """A scheme with its axes and codes."""

    scheme: str
    name: str
    axes: dict[str, list[str]]
    codes: list[CodeForm]


class SchemesAnswer(Strict):
    """All schemes and vocabularies of this hub."""

    schemes: list[SchemeForm]
    vocabularies: list[VocabularyForm]


@router.get("/schemes", auth=Key(), response=answers(has_body=False, s200=SchemesAnswer))
def show_schemes(request: HttpRequest) -> SchemesAnswer:  # noqa: ARG001 -- the framework passes it by this name
    """Name the schemes of this hub, their codes, and what other registers call these."""
    return SchemesAnswer(
        schemes=[_scheme(one) for one in known().schemes],
        vocabularies=[
            VocabularyForm(vocabulary=one.slug, name=one.name, terms=list(one.terms)) for one in known().vocabularies
        ],
    )


def _scheme(one: Scheme) -> SchemeForm:
    axes = {name: list(values) for name, values in one.axes.items()}
    return SchemeForm(scheme=one.slug, name=one.name, axes=axes, codes=[_code(code) for code in one.codes])


def _code(one: Code) -> CodeForm:
    maps = {name: list(terms) for name, terms in one.maps.items()}
    return CodeForm(code=one.code, qualifies=one.qualifies, axes=dict(one.axes), maps=maps, unmapped=dict(one.unmapped))
