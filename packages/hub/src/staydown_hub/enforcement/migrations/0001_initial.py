import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("lists", "0003_main_list"),
        ("organisations", "0001_initial"),
        ("registry", "0002_history_stays"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.item"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
                    ),
                ),
                (
                    "shared_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lists.sharedlist"
                    ),
                ),
            ],
            options={
                "db_table": "dispute",
                "indexes": [
                    models.Index(fields=["shared_list", "-at"], name="dispute_of_list"),
                    models.Index(fields=["item", "-at"], name="dispute_of_item"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "shared_list", "position"), name="dispute_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("identifier", models.UUIDField()),
                ("position", models.BigIntegerField()),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("sha256", "sha256"), ("sha1", "sha1"), ("md5", "md5"), ("pdq", "pdq")], max_length=10
                    ),
                ),
                ("distance_bits", models.PositiveSmallIntegerField()),
                ("reference", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.item"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
                    ),
                ),
                (
                    "shared_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lists.sharedlist"
                    ),
                ),
            ],
            options={
                "db_table": "match",
                "indexes": [
                    models.Index(fields=["item", "-at"], name="match_of_item"),
                    models.Index(fields=["shared_list", "at"], name="match_of_list"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "identifier"), name="match_once"),
                    models.CheckConstraint(
                        condition=models.Q(("algorithm__in", ("sha256", "sha1", "md5", "pdq"))),
                        name="match_algorithm_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("distance_bits", 0),
                            models.Q(("algorithm", "pdq"), ("distance_bits__lte", 31)),
                            _connector="OR",
                        ),
                        name="match_distance_of_algorithm",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("filter", models.UUIDField()),
                ("position", models.BigIntegerField()),
                ("live_since", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("live", "live"), ("behind", "behind"), ("refused", "refused")], max_length=10
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("fork", "fork"),
                            ("shrunk", "shrunk"),
                            ("signature", "signature"),
                            ("garbage", "garbage"),
                            ("witnesses", "witnesses"),
                            ("redaction", "redaction"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reported_at", models.DateTimeField()),
                ("state_since", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
                    ),
                ),
                (
                    "shared_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lists.sharedlist"
                    ),
                ),
            ],
            options={
                "db_table": "receipt",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "shared_list", "filter"), name="receipt_of_filter_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("position__gte", -1)), name="receipt_position_from_nothing_on"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("live", "behind", "refused"))), name="receipt_state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state", "refused"),
                                ("problem__in", ("fork", "shrunk", "signature", "garbage", "witnesses", "redaction")),
                            ),
                            models.Q(models.Q(("state", "refused"), _negated=True), ("problem", "")),
                            _connector="OR",
                        ),
                        name="receipt_problem_when_refused",
                    ),
                ],
            },
        ),
    ]
