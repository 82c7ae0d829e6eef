"""What cannot be done with organisations and keys, each with what to do about it."""

from uuid import UUID


class OrganisationError(Exception):
    """Something that cannot be done with organisations, people or keys."""


class UnknownOrganisationError(OrganisationError):
    """No organisation has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no organisation {slug!r}: see `staydown-hub organisations list`.")


class SlugTakenError(OrganisationError):
    """An organisation has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is an organisation {slug!r} already: choose another slug.")


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


class FourEyesError(OrganisationError):
    """An act that takes two people, and cannot be proposed or decided so."""


class MayNotProposeError(FourEyesError):
    """The role, or the key, does not allow to propose this."""

    def __init__(self) -> None:
        super().__init__("Your role or key does not allow to propose this: ask a supervisor of your organisation.")


class NotASecondHandError(FourEyesError):
    """Who would approve is who proposed, or may not approve this."""

    def __init__(self) -> None:
        super().__init__(
            "This takes somebody else: not who proposed it, who holds or made the key that did, or whom they brought "
            "in; with the role that it asks for, and for some acts of another organisation."
        )


class AlreadyProposedError(FourEyesError):
    """The same is waiting already; ``proposal`` is which."""

    def __init__(self, proposal: UUID) -> None:
        super().__init__("Your organisation has proposed this already: it waits for somebody else to approve it.")
        self.proposal = proposal


class UnknownProposalError(FourEyesError):
    """There is no such proposal, or it is not one that the actor has to do with."""

    def __init__(self) -> None:
        super().__init__("There is no such proposal here, or it is not yours to see.")


class NotOpenError(FourEyesError):
    """The proposal was decided or has expired."""

    def __init__(self) -> None:
        super().__init__("This was decided already, or has expired: propose it anew if it is still needed.")


class ProposerGoneError(FourEyesError):
    """Whoever proposed has lost the right to since: a key was revoked, a role changed, an account closed."""

    def __init__(self) -> None:
        super().__init__("Whoever proposed this may not do so any more: decline it; propose it anew if needed.")


class NotTrainedError(OrganisationError):
    """Whoever would assess may not: their role, or no certificate that is valid today."""

    def __init__(self) -> None:
        super().__init__(
            "Assessing takes an assessor or supervisor with a certificate that is valid today (UTC), and a key that "
            "names one: ask your organisation's administrator."
        )


class WrongDaysError(OrganisationError):
    """A certificate that would end before it begins."""

    def __init__(self) -> None:
        super().__init__("A certificate expires on a day after the one on which it was issued.")


class TooFastError(OrganisationError):
    """A key was used more often than it may be; ``retry_after_s`` is when it may be again, in whole seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("This key asks more often than it may: wait as long as Retry-After says, and send batches.")
        self.retry_after_s = retry_after_s


class KeyOverError(OrganisationError):
    """A key that cannot be rotated."""

    def __init__(self) -> None:
        super().__init__("This key is revoked, expired or replaced already: make a new one, or rotate its successor.")


class KeyNamesSomebodyError(OrganisationError):
    """A key that acts for somebody already."""

    def __init__(self) -> None:
        super().__init__("This key acts for somebody already, who has its secret: make a new one for somebody else.")


class EmailTakenError(OrganisationError):
    """Somebody signs in with this e-mail."""

    def __init__(self) -> None:
        super().__init__("Somebody has an account with this e-mail already: one e-mail is one account.")


class NotYourselfError(OrganisationError):
    """Somebody would change what they may do themselves."""

    def __init__(self) -> None:
        super().__init__("Nobody changes their own role or account: another administrator of your organisation does.")
