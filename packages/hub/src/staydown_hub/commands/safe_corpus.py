"""The safe corpus from the command line: what the benign gate knows to be harmless."""

from argparse import Namespace
from pathlib import Path

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json


def add(asked: Namespace) -> int:
    """Add the fingerprints of a CSV file that are not known yet."""
    try:
        lines = Path(asked.file).read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        raise CommandError("The file cannot be read as UTF-8.") from None
    with database():
        from staydown_hub.lists import corpus  # noqa: PLC0415 -- after Django is set up
        from staydown_hub.lists.deciding import extend_corpus  # noqa: PLC0415 -- the same

        added = extend_corpus(corpus.read(lines))
    if asked.json:
        say_json({"added": added})
    else:
        say(f"Added {added} fingerprints; what is listed already stays listed.")
    return 0


def show(asked: Namespace) -> int:
    """Count what the gate knows, by its source."""
    with database():
        from staydown_hub.lists.queries import safe_corpus  # noqa: PLC0415 -- after Django is set up

        sources = safe_corpus()
    if asked.json:
        say_json({"sources": sources})
    else:
        for source, count in sources.items():
            say(f"{count:>8}  {source}")
    return 0
