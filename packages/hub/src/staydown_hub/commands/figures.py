"""The figures from the command line."""

from argparse import Namespace
from dataclasses import asdict

from staydown_hub.commands.database import database
from staydown_hub.commands.printing import say_json, say_table


def run(asked: Namespace) -> int:
    """Print the figures."""
    with database():
        from staydown_hub.statistics.queries import figures  # noqa: PLC0415 -- after Django is set up

        found = asdict(figures())
    if asked.json:
        say_json(found)
        return 0
    states, days, rulings = found.pop("requests"), found.pop("matches_by_day"), found.pop("rulings")
    disputes = rulings.pop("by_state")
    counts = found | rulings
    rows = [(name.replace("_", " "), "-" if value is None else f"{value:g}") for name, value in counts.items()]
    rows += [(f"disputes {state}", str(count)) for state, count in disputes.items()]
    rows += [(f"requests {state}", str(count)) for state, count in states.items()]
    rows += [(f"matches {day['list']} {day['day']}", str(day["matches"])) for day in days]
    say_table(("figure", "value"), rows)
    return 0
