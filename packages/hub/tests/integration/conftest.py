"""What the integration tests take for granted: people of the cast are let in without a second factor."""

from collections.abc import Iterator

import pytest
from django.conf import settings


@pytest.fixture(scope="session", autouse=True)
def second_factor_is_optional() -> Iterator[None]:
    """Be as a hub for drills; what asks for a second factor is tried by itself."""
    settings.SECOND_FACTOR_REQUIRED = False
    yield
    settings.SECOND_FACTOR_REQUIRED = True
