"""What the registry refuses, each with what to do about it."""


class RegistryError(Exception):
    """Something the registry cannot do."""


class UnknownItemError(RegistryError):
    """No item has these fingerprints."""

    def __init__(self) -> None:
        super().__init__("No item has these fingerprints: report it first.")


class ConflictingFingerprintsError(RegistryError):
    """Exact fingerprints of one algorithm name different items, so they cannot all be of one file."""

    def __init__(self) -> None:
        super().__init__(
            "These fingerprints belong to different items: send only those made from one and the same file."
        )


class TooManyFingerprintsError(RegistryError):
    """One organisation has attached more fingerprints to one item than one file has."""

    def __init__(self, most: int) -> None:
        super().__init__(f"Your organisation has supplied {most} fingerprints of this item already: no more are taken.")


class TooManySightingsError(RegistryError):
    """One organisation has reported one item at more addresses than anybody can act on."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Your organisation has reported this item at {most} addresses already: no more are taken of this item."
        )


class ReferenceTakenError(RegistryError):
    """The reporter's reference stands for another report already."""

    def __init__(self) -> None:
        super().__init__(
            "You reported something else under this reference: give what is new a reference of its own, "
            "or send the same again."
        )


class ChangedSchemeError(RegistryError):
    """A law pack's codes are others than those by which items were assessed."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"scheme {scheme}: its codes changed since this hub first read it: restore them, and give the new ones "
            "a scheme of their own."
        )


class NearMatchAwayError(RegistryError):
    """Nobody can say whether something near is stored: taking it for new could be wrong."""

    def __init__(self) -> None:
        super().__init__("The hub cannot look for near matches at the moment: send the same again in a few seconds.")
