"""Room for sealed sightings beside the plain ones: `0005` seals them, `0006` takes the plain columns away."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("registry", "0003_schemes")]
    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="sighting", name="sighting_once"),
        *(
            migrations.AlterField(model_name="sighting", name=name, field=field)
            for name, field in (
                ("url", models.TextField(null=True)),
                ("url_digest", models.BinaryField(max_length=32, null=True)),
                ("host", models.CharField(max_length=253, null=True)),
            )
        ),
        *(
            migrations.AddField(model_name="sighting", name=name, field=field)
            for name, field in (
                ("sealed_key", models.BinaryField(editable=False, null=True)),
                ("sealed_address", models.BinaryField(null=True)),
                ("sealed_host", models.BinaryField(null=True)),
                ("address_digest", models.BinaryField(max_length=32, null=True)),
                ("kind", models.CharField(max_length=16, default="web")),
            )
        ),
    ]
