"""The default list, so that a new hub can be used at once."""

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make_main(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("lists", "SharedList").objects.create(
        slug="main",
        name="Main list",
        minimum_organisations=2,
        required_kinds=["police", "support_centre"],
        codes=["A1", "A2", "B1", "B2", "NCII", "TEST"],
        audience_kinds=["platform", "carrier", "police", "support_centre", "regulator", "monitor"],
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("lists", "0002_admission_wall")]
    operations: ClassVar = [migrations.RunPython(make_main, migrations.RunPython.noop)]
