"""Each list's first signing key, made by `up` where there is none yet."""

import os

import psycopg

from staydown_hub.commands.printing import say
from staydown_hub.sealing import places
from staydown_hub.sealing.providers import key_store
from staydown_hub.sealing.signer import make_missing


def make_missing_keys() -> None:
    """Make them for the lists of the database that DATABASE_URL names."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        slugs = [slug for (slug,) in connection.execute("SELECT slug FROM shared_list ORDER BY slug")]
    folder, origin = places.signing_folder(), places.log_origin()
    for slug in make_missing(folder, key_store(folder, origin), origin=origin, slugs=slugs):
        say(f"made the signing key of list {slug}, in {folder}")
