"""Opens pages of the items as a person of the police does, in a process of its own: PAGES; prints seconds as JSON."""

from __future__ import annotations

import json
import sys
import time

from staydown_hub.commands.database import database


def main(pages: int) -> None:
    """Time each page, the first ones of the queue of open items as often as all others."""
    with database():
        from django.conf import settings  # noqa: PLC0415 -- after Django is set up
        from django.test import Client  # noqa: PLC0415 -- the same
        from staydown_hub.organisations.models import Organisation, Person  # noqa: PLC0415 -- the same

        settings.ALLOWED_HOSTS = ["*"]
        organisation = Organisation.objects.get(slug="police")
        person = Person.objects.get_or_create(email="bench@police.example", defaults={"organisation": organisation})[0]
        client = Client()
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        taken = []
        for number in range(pages):
            began = time.perf_counter()
            answer = client.get("/items/", {"standing": "open", "page": str(number % 20 + 1)})
            taken.append(time.perf_counter() - began)
            if answer.status_code != 200:  # noqa: PLR2004 -- HTTP's own
                raise SystemExit(f"a page was answered {answer.status_code}")
        print(json.dumps(taken))


if __name__ == "__main__":
    main(int(sys.argv[1]))
