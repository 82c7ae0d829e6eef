"""Whether the web process can serve."""

import pytest
from django.test import Client


@pytest.mark.django_db
def test_it_answers_while_the_database_does(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405
