"""`python -m staydown_hub.feed`: the feed by itself, as `staydown-hub feed` starts it."""

from staydown_hub.config import environment
from staydown_hub.feed.server import serve

serve(environment.address("STAYDOWN_FEED_ADDRESS", "127.0.0.1:8601"))
