import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enforcement", "0003_appeals"),
        ("lists", "0004_schemes_and_votes"),
        ("organisations", "0001_initial"),
        ("registry", "0003_schemes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GateOverrule",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "gate_overrule",
            },
        ),
        migrations.CreateModel(
            name="GateStop",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "hits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("low_quality", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "gate_stop",
            },
        ),
        migrations.CreateModel(
            name="Panel",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "panel",
            },
        ),
        migrations.CreateModel(
            name="PanelVote",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("qualifies", models.BooleanField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "panel_vote",
            },
        ),
        migrations.CreateModel(
            name="Ruling",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("round", models.PositiveSmallIntegerField(default=1)),
                ("qualifies", models.BooleanField()),
                ("reason", models.TextField(blank=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "db_table": "ruling",
            },
        ),
        migrations.CreateModel(
            name="SafeFingerprint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("sha256", "sha256"), ("sha1", "sha1"), ("md5", "md5"), ("pdq", "pdq")], max_length=10
                    ),
                ),
                ("value", models.BinaryField(max_length=32)),
                ("quality", models.SmallIntegerField(null=True)),
                ("source", models.CharField(max_length=100)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "safe_fingerprint",
            },
        ),
        migrations.CreateModel(
            name="SelfReport",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "self_report",
            },
        ),
        migrations.CreateModel(
            name="SelfReportFingerprint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("quality", models.SmallIntegerField(null=True)),
            ],
            options={
                "db_table": "self_report_fingerprint",
            },
        ),
        migrations.AddField(
            model_name="sharedlist",
            name="advice",
            field=models.CharField(choices=[("block", "block"), ("hold", "hold")], default="block", max_length=5),
        ),
        migrations.AddField(
            model_name="sharedlist",
            name="basis",
            field=models.CharField(
                choices=[("assessments", "assessments"), ("self_reports", "self_reports")],
                default="assessments",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="sharedlist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("advice__in", ("block", "hold")), ("basis", "assessments")),
                    models.Q(("advice", "hold"), ("basis", "self_reports")),
                    _connector="OR",
                ),
                name="shared_list_of_self_reports_only_holds",
            ),
        ),
        migrations.AddField(
            model_name="gateoverrule",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
            ),
        ),
        migrations.AddField(
            model_name="gateoverrule",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="gatestop",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="gate_stops", to="registry.item"
            ),
        ),
        migrations.AddField(
            model_name="gateoverrule",
            name="stop",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="overrules", to="lists.gatestop"
            ),
        ),
        migrations.AddField(
            model_name="panel",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="panels", to="registry.item"
            ),
        ),
        migrations.AddField(
            model_name="panelvote",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
            ),
        ),
        migrations.AddField(
            model_name="panelvote",
            name="panel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="votes", to="lists.panel"
            ),
        ),
        migrations.AddField(
            model_name="panelvote",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="ruling",
            name="dispute",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="rulings", to="enforcement.dispute"
            ),
        ),
        migrations.AddField(
            model_name="ruling",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="rulings", to="registry.item"
            ),
        ),
        migrations.AddField(
            model_name="ruling",
            name="organisation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organisations.organisation",
            ),
        ),
        migrations.AddField(
            model_name="ruling",
            name="panel",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="ruling", to="lists.panel"
            ),
        ),
        migrations.AddField(
            model_name="ruling",
            name="person",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="safefingerprint",
            index=models.Index(fields=["source"], name="safe_fingerprint_source"),
        ),
        migrations.AddConstraint(
            model_name="safefingerprint",
            constraint=models.UniqueConstraint(fields=("value", "algorithm", "source"), name="safe_fingerprint_once"),
        ),
        migrations.AddConstraint(
            model_name="safefingerprint",
            constraint=models.CheckConstraint(
                condition=models.Q(("algorithm__in", ("sha256", "sha1", "md5", "pdq"))),
                name="safe_fingerprint_algorithm_known",
            ),
        ),
        migrations.AddField(
            model_name="selfreport",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="self_reports", to="registry.item"
            ),
        ),
        migrations.AddField(
            model_name="selfreport",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organisations.organisation"
            ),
        ),
        migrations.AddField(
            model_name="selfreportfingerprint",
            name="fingerprint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.fingerprint"
            ),
        ),
        migrations.AddField(
            model_name="selfreportfingerprint",
            name="self_report",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="fingerprints", to="lists.selfreport"
            ),
        ),
        migrations.AddIndex(
            model_name="gatestop",
            index=models.Index(fields=["item", "-opened_at"], name="gate_stop_of_item"),
        ),
        migrations.AddConstraint(
            model_name="gateoverrule",
            constraint=models.UniqueConstraint(fields=("stop", "organisation"), name="gate_overrule_once"),
        ),
        migrations.AddIndex(
            model_name="panel",
            index=models.Index(fields=["item", "-opened_at"], name="panel_of_item"),
        ),
        migrations.AddConstraint(
            model_name="panelvote",
            constraint=models.UniqueConstraint(fields=("panel", "organisation"), name="panel_vote_once"),
        ),
        migrations.AddIndex(
            model_name="ruling",
            index=models.Index(fields=["item", "-at"], name="ruling_of_item"),
        ),
        migrations.AddConstraint(
            model_name="ruling",
            constraint=models.UniqueConstraint(fields=("dispute", "round"), name="ruling_once_a_round"),
        ),
        migrations.AddConstraint(
            model_name="ruling",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("dispute__isnull", True),
                        ("organisation__isnull", True),
                        ("panel__isnull", False),
                        ("person__isnull", True),
                    ),
                    models.Q(
                        ("dispute__isnull", False),
                        ("organisation__isnull", False),
                        ("panel__isnull", True),
                        ("person__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="ruling_of_panel_or_reviewer",
            ),
        ),
        migrations.AddConstraint(
            model_name="ruling",
            constraint=models.CheckConstraint(condition=models.Q(("round__in", (1, 2))), name="ruling_of_two_rounds"),
        ),
        migrations.AddIndex(
            model_name="selfreport",
            index=models.Index(fields=["item"], name="self_report_of_item"),
        ),
        migrations.AddIndex(
            model_name="selfreport",
            index=models.Index(fields=["expires_at"], name="self_report_expiring"),
        ),
        migrations.AddConstraint(
            model_name="selfreportfingerprint",
            constraint=models.UniqueConstraint(
                fields=("self_report", "fingerprint"), name="self_report_fingerprint_once"
            ),
        ),
    ]
