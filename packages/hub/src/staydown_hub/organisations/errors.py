"""What cannot be done with organisations and keys, each with what to do about it."""


class OrganisationError(Exception):
    """Something that cannot be done with organisations, people or keys."""


class UnknownOrganisationError(OrganisationError):
    """No organisation has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no organisation {slug!r}: see `staydown-hub organisations list`.")


class UnknownApiKeyError(OrganisationError):
    """No key has this prefix."""

    def __init__(self, prefix: str) -> None:
        super().__init__(f"There is no key with the prefix {prefix!r}: see `staydown-hub api-keys list`.")


class ScopeBeyondKindError(OrganisationError):
    """A key was to hold what its organisation's kind may never do."""

    def __init__(self, *, kind: str, scopes: frozenset[str]) -> None:
        super().__init__(
            f"An organisation of kind {kind} can never hold: {', '.join(sorted(scopes))}. Leave these out."
        )


class KeyNameTakenError(OrganisationError):
    """The organisation has a key of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a key named {name!r} already: choose another name, or revoke that one.")


class UnknownPersonError(OrganisationError):
    """Nobody signs in with this e-mail."""

    def __init__(self) -> None:
        super().__init__("One of these e-mails is nobody's who may sign in here: check how each is written.")
