import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("lists", "0003_main_list"),
    ]

    operations = [
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("vkey", models.CharField(max_length=400)),
                ("added_at", models.DateTimeField()),
                (
                    "shared_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lists.sharedlist"
                    ),
                ),
            ],
            options={
                "db_table": "witness",
            },
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                (
                    "witness",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="cosignature",
                        serialize=False,
                        to="witnesses.witness",
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                ("signed_at", models.DateTimeField()),
                ("line", models.TextField()),
            ],
            options={
                "db_table": "cosignature",
            },
        ),
        migrations.AddConstraint(
            model_name="witness",
            constraint=models.UniqueConstraint(fields=("shared_list", "name"), name="witness_name_once"),
        ),
        migrations.AddConstraint(
            model_name="witness",
            constraint=models.UniqueConstraint(fields=("shared_list", "vkey"), name="witness_vkey_once"),
        ),
    ]
