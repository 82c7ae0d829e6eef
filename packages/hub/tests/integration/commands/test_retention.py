"""`staydown-hub retention` explains what it would do, and does it."""

import json
from datetime import UTC, datetime, timedelta

from staydown_hub.registry.models import Sighting

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import report
from packages.hub.tests.integration.commands.conftest import Run


def test_it_explains_and_does(run: Run, cast: Cast) -> None:
    report(cast.platform, "boat", urls=["https://host.example/a"])
    Sighting.objects.update(last_reported_at=datetime.now(UTC) - timedelta(days=200))
    explained = run("retention", "--dry-run")
    assert explained.status == 0
    assert "What would be done now:" in explained.out
    assert "it may name what was never unlawful" in explained.out
    assert not Sighting.objects.get().is_erased
    done = json.loads(run("retention", "--json").out)
    assert done["dry_run"] is False
    assert {one["record"]: one["count"] for one in done["rules"]}["sighting_never_confirmed"] == 1
    assert Sighting.objects.get().is_erased
