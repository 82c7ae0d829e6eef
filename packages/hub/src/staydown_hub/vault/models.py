"""A row that holds sealed values: ciphertext in its columns, its own wrapped key beside them."""

from typing import ClassVar
from uuid import UUID

from django.db import models

from staydown_hub.vault.envelopes import Place, open_value, seal
from staydown_hub.vault.errors import ErasedError
from staydown_hub.vault.services import ring


class SealedRecord(models.Model):
    """The base of rows with columns named ``sealed_...``. Their key is a UUID, chosen before the row is written.

    What is sealed is opened by ``unseal`` alone. Showing it to anybody is an act: whoever does so records it.
    """

    pk: UUID
    # Null once erased: without it the sealed columns are noise, in every backup made from then on.
    sealed_key = models.BinaryField(null=True, editable=False)

    class Meta:
        """Each app's own table; ``vault.queries`` finds them by this column."""

        abstract: ClassVar = True

    @classmethod
    def place_of(cls, pk: UUID) -> Place:
        """Return what a record's seals are bound to."""
        return Place(cls._meta.db_table, str(pk))

    def seal(self, **values: str) -> None:
        """Seal all values of this record under a fresh key, each in its column ``sealed_<name>``; not saved yet."""
        sealed = seal(ring(), self.place_of(self.pk), {f"sealed_{name}": value for name, value in values.items()})
        self.sealed_key = sealed.key
        for column, value in sealed.values.items():
            setattr(self, column, value)

    def unseal(self, name: str) -> str:
        """Return what is sealed in ``sealed_<name>``. Raises ErasedError and other VaultErrors."""
        column = f"sealed_{name}"
        value = getattr(self, column)
        if self.sealed_key is None or value is None:
            raise ErasedError
        place = self.place_of(self.pk)
        return open_value(ring(), place, key=bytes(self.sealed_key), column=column, value=bytes(value))
