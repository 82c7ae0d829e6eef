"""The witnesses of each list, and what each of them signed last."""

from typing import ClassVar

from django.db import models


class Witness(models.Model):
    """A party whose cosignatures a list takes, by the key that the hub's operator was given."""

    id = models.BigAutoField(primary_key=True)
    shared_list = models.ForeignKey("lists.SharedList", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    vkey = models.CharField(max_length=400)
    added_at = models.DateTimeField()

    class Meta:
        """A name and a key stand for one witness of a list."""

        db_table = "witness"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shared_list", "name"], name="witness_name_once"),
            models.UniqueConstraint(fields=["shared_list", "vkey"], name="witness_vkey_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Cosignature(models.Model):
    """The newest cosignature of a witness: the signature line as it stands under the checkpoint; the feed writes it."""

    witness = models.OneToOneField(Witness, on_delete=models.CASCADE, primary_key=True, related_name="cosignature")
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    signed_at = models.DateTimeField()
    line = models.TextField()

    class Meta:
        """Kept so that a feed that starts again serves it at once."""

        db_table = "cosignature"

    def __str__(self) -> str:
        return f"cosignature at {self.size}"
