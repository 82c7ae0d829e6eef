"""What a list refuses, each with what to do about it."""


class ListError(Exception):
    """Something that cannot be done with a list."""


class UnknownListError(ListError):
    """No list has this slug."""

    def __init__(self) -> None:
        super().__init__("There is no such list.")


class UnknownPositionError(ListError):
    """The list has no entry at this position."""

    def __init__(self) -> None:
        super().__init__("This list has no admission at that position: read the position from the item.")


class NotInForceError(ListError):
    """The entry was withdrawn already."""

    def __init__(self) -> None:
        super().__init__("This entry is not in force any more: it was withdrawn already.")


class NotCarriedByError(ListError):
    """The organisation's assessment did not carry the admission."""

    def __init__(self) -> None:
        super().__init__(
            "Only an organisation whose assessment carried the admission can withdraw it: assess the item instead."
        )


class NothingToRedactError(ListError):
    """The item has no text on this list."""

    def __init__(self) -> None:
        super().__init__("Nothing about this item is left to erase on this list.")


class NotConfirmedError(ListError):
    """A redaction that two organisations' people do not confirm."""

    def __init__(self) -> None:
        super().__init__("A redaction needs two people of two organisations who confirm it, each with an account here.")
