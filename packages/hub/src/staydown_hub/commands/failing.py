"""What a command that failed says: our own errors in their words, others by class and place only."""

from staydown_hub.config.environment import BadSettingError
from staydown_hub.config.logs import SafeFormatter, redact


class CommandError(Exception):
    """A command that cannot be carried out; the message says what to do."""


def _ours() -> tuple[type[Exception], ...]:
    from staydown_hub.embedded_postgres import EmbeddedPostgresError  # noqa: PLC0415 -- only when something failed
    from staydown_hub.lists.errors import ListError  # noqa: PLC0415 -- the same
    from staydown_hub.organisations.errors import OrganisationError  # noqa: PLC0415 -- the same
    from staydown_hub.registry.errors import ChangedSchemeError  # noqa: PLC0415 -- the same
    from staydown_hub.rules.retention import BadRetentionError  # noqa: PLC0415 -- the same
    from staydown_hub.rules.tables import BadTableError  # noqa: PLC0415 -- the same
    from staydown_hub.sealing.errors import SealingError  # noqa: PLC0415 -- the same
    from staydown_hub.vault.errors import VaultError  # noqa: PLC0415 -- the same
    from staydown_hub.witnesses.errors import WitnessError  # noqa: PLC0415 -- the same

    ours = (CommandError, BadSettingError, EmbeddedPostgresError, ListError, OrganisationError, BadTableError)
    return (*ours, ChangedSchemeError, SealingError, VaultError, WitnessError, BadRetentionError)


def explain(error: Exception) -> str:
    """Return the lines to print."""
    if isinstance(error, _ours()):
        return f"staydown-hub: {error}\n"
    if is_no_database(error):
        return "staydown-hub: the database cannot be reached or does not let us in: check DATABASE_URL.\n"
    places = SafeFormatter().formatException((type(error), error, error.__traceback__))
    return f"staydown-hub: this failed in a way that was not foreseen:\n{redact(places)}\n"


def is_no_database(error: Exception) -> bool:
    """Tell whether the error is that there is no database to talk to."""
    return type(error).__name__ == "OperationalError"
