"""Retention from the command line: explained, or carried out now."""

from argparse import Namespace

from staydown_hub.commands.database import database
from staydown_hub.commands.printing import say, say_json, say_table

_HEADER = ("record", "deed", "days", "count", "counted_from", "reason")


def run(asked: Namespace) -> int:
    """Print what each rule finds over its time; without --dry-run it is deleted or erased."""
    with database():
        from staydown_hub.registry import retention  # noqa: PLC0415 -- after Django is set up

        found = retention.due() if asked.dry_run else retention.carry_out(source="command")
    rows = [
        {
            "record": one.rule.record,
            "deed": one.rule.deed,
            "days": one.rule.after.days,
            "count": one.count,
            "counted_from": one.rule.counted_from,
            "reason": one.rule.reason,
        }
        for one in found
    ]
    if asked.json:
        say_json({"dry_run": asked.dry_run, "rules": rows})
        return 0
    say("What would be done now:" if asked.dry_run else "Done:")
    say_table(_HEADER, [[str(row[name]) for name in _HEADER] for row in rows])
    return 0
