"""The shapes that several routes share: strict, so that a field we do not know is refused and not ignored."""

import re
from collections.abc import Collection
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from staydown_hub.lists import queries as lists
from staydown_hub.organisations.queries import Caller
from staydown_hub.rules.admission import Status
from staydown_hub.rules.confidence import Grade
from staydown_hub.rules.enforcement import MAX_REFERENCE_CHARACTERS
from staydown_hub.rules.fingerprints import MAX_QUALITY, VALUE_BYTES, Algorithm, Fingerprint
from staydown_hub.rules.schemes import MAX_CODE_CHARACTERS, MAX_SCHEME_CHARACTERS, UnknownCodeError
from staydown_hub.rules.texts import MAX_REASON_CHARACTERS, check_reason
from staydown_hub.schemes.catalogue import known

Kind = Literal["picture", "video"]
# A video has a hash for each of its frames that say something new; clients send no more than this, evenly chosen.
MAX_FINGERPRINTS: Final[dict[Kind, int]] = {"picture": 64, "video": 256}
_HEX: Final = re.compile(r"[0-9a-f]*")


class Strict(BaseModel):
    """The base of all bodies and answers: no unknown fields, no silent conversion, no values in error texts."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class FingerprintForm(Strict):
    """A fingerprint as it travels: lower-case hex, and for `pdq` (and only there) its quality."""

    algorithm: Algorithm
    value: Annotated[str, Field(description="Lower-case hex: 32 digits for md5, 40 for sha1, 64 for sha256 and pdq.")]
    quality: Annotated[
        int | None, Field(ge=0, le=MAX_QUALITY, validate_default=True, exclude_if=lambda quality: quality is None)
    ] = None

    @field_validator("value")
    @classmethod
    def _check_value(cls, value: str, info: ValidationInfo) -> str:
        algorithm: Algorithm | None = info.data.get("algorithm")
        if algorithm and (len(value) != 2 * VALUE_BYTES[algorithm] or not _HEX.fullmatch(value)):
            raise ValueError(f"A {algorithm} value is {2 * VALUE_BYTES[algorithm]} lower-case hex digits.")
        return value

    @field_validator("quality")
    @classmethod
    def _check_quality(cls, quality: int | None, info: ValidationInfo) -> int | None:
        algorithm: Algorithm | None = info.data.get("algorithm")
        if algorithm and (quality is None) == (algorithm == "pdq"):
            raise ValueError("Give a quality for pdq, and for pdq only.")
        return quality

    def plain(self) -> Fingerprint:
        """Return it as the rules know it."""
        return Fingerprint(self.algorithm, bytes.fromhex(self.value), self.quality)

    @classmethod
    def of(cls, one: Fingerprint) -> "FingerprintForm":
        """Return a fingerprint as it travels."""
        return cls(algorithm=one.algorithm, value=one.value.hex(), quality=one.quality)


class OneFile(Strict):
    """What every request says of a file: its kind, and its fingerprints."""

    kind: Kind
    fingerprints: Annotated[list[FingerprintForm], Field(min_length=1, max_length=max(MAX_FINGERPRINTS.values()))]

    @field_validator("fingerprints")
    @classmethod
    def _check_number(cls, fingerprints: list[FingerprintForm], info: ValidationInfo) -> list[FingerprintForm]:
        kind: Kind | None = info.data.get("kind")
        if kind and len(fingerprints) > MAX_FINGERPRINTS[kind]:
            raise ValueError(f"A {kind} has at most {MAX_FINGERPRINTS[kind]} fingerprints here.")
        return fingerprints

    def plain(self) -> list[Fingerprint]:
        """Return the fingerprints as the rules know them, in the order in which they came."""
        return [one.plain() for one in self.fingerprints]


MAX_POSITION: Final = 2**53 - 1


Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARACTERS), AfterValidator(check_reason)]
Position = Annotated[int, Field(ge=0, le=MAX_POSITION)]


_OPAQUE: Final = re.compile(r"[!-~]*")
# An address, a person's address, or a run of digits that is longer than an identifier: a fingerprint.
_TELLING: Final = re.compile(r"://|@|[0-9A-Fa-f]{33}")


def _check_reference(reference: str) -> str:
    if not _OPAQUE.fullmatch(reference):
        raise ValueError("A reference is printable ASCII without spaces.")
    if _TELLING.search(reference):
        raise ValueError("A reference says nothing outside your own system: no address, no person, no fingerprint.")
    return reference


Reference = Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE_CHARACTERS), AfterValidator(_check_reference)]


def _check_code(code: str) -> str:
    if not any(one.code == code for one in known().all_named()):
        raise ValueError("No scheme of this hub has this code: GET schemes names those that it has.")
    return code


class JudgementForm(Strict):
    """A judgement: the code, and its scheme where several have the code."""

    code: Annotated[str, Field(min_length=1, max_length=MAX_CODE_CHARACTERS), AfterValidator(_check_code)]
    scheme: Annotated[
        str | None,
        Field(max_length=MAX_SCHEME_CHARACTERS, validate_default=True, exclude_if=lambda scheme: scheme is None),
    ] = None

    @field_validator("scheme")
    @classmethod
    def _check_scheme(cls, scheme: str | None, info: ValidationInfo) -> str | None:
        if code := info.data.get("code"):
            try:
                known().named(code, scheme=scheme)
            except UnknownCodeError as error:
                raise ValueError(str(error)) from None
        return scheme


class PlaceForm(Strict):
    """An entry's place: the list's slug and the position in its log."""

    list: str
    position: int


class ConfidenceForm(Strict):
    """How sure the members are: the grade, and how many of them said by themselves that the item qualifies."""

    grade: Grade
    votes: int


class StandingForm(Strict):
    """How an item stands; who has still to assess it is told neither what others said nor how many they are."""

    status: Status
    entries: list[PlaceForm]
    confidence: ConfidenceForm | None


class ItemAnswer(Strict):
    """An item and how it stands."""

    item: UUID
    standing: StandingForm


class WrongFieldForm(Strict):
    """One field that is wrong, by its path such as `fingerprints.0.value`."""

    field: str
    message: str


class ErrorAnswer(Strict):
    """Every refusal: a code for programs, a message that says what to do, and the wrong fields (422 only)."""

    error: str
    message: str
    fields: list[WrongFieldForm]


def standing_form(item_id: UUID, *, who: Caller) -> StandingForm:
    """Return how an item stands for the organisation that asks, as it travels."""
    return standing_forms([item_id], who=who)[item_id]


def standing_forms(item_ids: Collection[UUID], *, who: Caller) -> dict[UUID, StandingForm]:
    """Return how each of these items stands for the organisation that asks, as it travels."""
    asking = lists.Asking(who.organisation.pk, who.organisation.kind)
    return {item_id: _form_of(one) for item_id, one in lists.standings_of(item_ids, seen_by=asking).items()}


def _form_of(standing: lists.Standing) -> StandingForm:
    places = [PlaceForm(list=one.list, position=one.position) for one in standing.entries]
    sure = standing.confidence
    confidence = ConfidenceForm(grade=sure.grade, votes=sure.votes) if sure else None
    return StandingForm(status=standing.status, entries=places, confidence=confidence)
