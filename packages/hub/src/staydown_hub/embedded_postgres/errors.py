"""What can go wrong with the embedded database; each message says what to do next."""


class EmbeddedPostgresError(Exception):
    """The embedded database cannot be used; the message says why and what to do."""


class NoBinariesError(EmbeddedPostgresError):
    """No PostgreSQL that this cluster can run on was found."""


class AccountError(EmbeddedPostgresError):
    """The account that the server would run under cannot be used."""


class PlacementError(EmbeddedPostgresError):
    """No folder was found that the server's account can reach."""


class StartError(EmbeddedPostgresError):
    """The cluster could not be made, or the server did not come up."""


class StopError(EmbeddedPostgresError):
    """The server did not end in time."""
