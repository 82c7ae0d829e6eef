"""The law packs of this hub: those that it ships, and those of the folder that its operator named."""

import functools
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from django.conf import settings

from staydown_hub.rules import schemes
from staydown_hub.rules.schemes import BadSchemeError, Catalogue


@functools.cache
def known() -> Catalogue:
    """Return the schemes that this process knows, read and checked once. Raises BadSchemeError."""
    return read(Path(settings.SCHEMES_FOLDER) if settings.SCHEMES_FOLDER else None)


def read(folder: Path | None) -> Catalogue:
    """Return the shipped schemes and those of a folder, each with its vocabularies in ``vocabularies/``.

    Raises BadSchemeError that names the file.
    """
    shipped = resources.files("staydown_hub.schemes")
    if folder is not None and not folder.is_dir():
        raise BadSchemeError("STAYDOWN_SCHEMES names no folder: make it, or leave the setting out.")
    places: list[Traversable] = [shipped, *([folder] if folder else [])]
    vocabularies = [
        schemes.read_vocabulary(_text(file), file=f"vocabularies/{file.name}")
        for place in places
        for file in _files(place / "vocabularies")
    ]
    packs = [
        schemes.read_scheme(_text(file), file=file.name, vocabularies=vocabularies)
        for place in places
        for file in _files(place)
    ]
    return schemes.catalogue(vocabularies=vocabularies, schemes=packs)


def _files(place: Traversable) -> Iterator[Traversable]:
    if place.is_dir():
        yield from sorted((one for one in place.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)


def _text(file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadSchemeError(f"{file.name}: cannot be read as UTF-8: see to the file and its rights.") from None
