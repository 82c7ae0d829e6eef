"""What cannot be done with witnesses, each with what to do about it."""


class WitnessError(Exception):
    """Something that cannot be done with a list's witnesses."""


class BadWitnessKeyError(WitnessError):
    """The text is no witness's key."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Ask the witness for the line that `staydown witness` printed.")


class OtherNameError(WitnessError):
    """The key bears another name than the operator was told."""

    def __init__(self, *, name: str, given: str) -> None:
        super().__init__(f"This is the key of {name}, not of {given}: ask the witness which is right.")


class WitnessExistsError(WitnessError):
    """The list has a witness of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The list has a witness {name} already: to change its key, remove it first.")


class UnknownWitnessError(WitnessError):
    """The list has no witness of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The list has no witness {name}: see `staydown-hub keys witness list`.")
