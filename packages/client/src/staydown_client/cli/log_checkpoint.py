"""staydown log checkpoint: show a list's checkpoint, to be kept."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from staydown_client.cli.log_read import feed_of
from staydown_client.log_settings import trust_in

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Print the checkpoint when it is signed by the key given, and return the exit status."""
    trust = trust_in(args.log_keys)
    with feed_of(args) as feed:
        checkpoint = trust.open_checkpoint(feed.checkpoint(), now_s=time.time())
    sys.stdout.write(checkpoint.text)
    return 0
