"""The registry's job of the night: what is over its time goes."""

import logging
from typing import Final

from procrastinate.contrib.django import app

from staydown_hub.registry import retention

_log: Final = logging.getLogger(__name__)


@app.periodic(cron="23 2 * * *")
@app.task(queueing_lock="registry.retention")
def keep_no_longer(timestamp: int) -> None:
    """Delete and erase what the rules of retention say; `staydown-hub retention --dry-run` explains it beforehand."""
    del timestamp
    for one in retention.carry_out():
        _log.info("retention: %s records of %s: %s", one.count, one.rule.record, one.rule.deed)
