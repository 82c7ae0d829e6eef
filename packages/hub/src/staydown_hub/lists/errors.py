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


class PanelDecidedError(ListError):
    """The panel has its majority."""

    def __init__(self) -> None:
        super().__init__("This panel has decided already.")


class NotYoursToDecideError(ListError):
    """Somebody who took part, or whose organisation does not judge items, wants to decide."""

    def __init__(self) -> None:
        super().__init__("Your organisation took part in this, or does not judge items: leave it to others.")


class NotASupportCentreError(ListError):
    """Somebody else relays what a person reported of themselves."""

    def __init__(self) -> None:
        super().__init__("Only a support centre relays what a person reports: send the person to one.")


class NoSelfReportListError(ListError):
    """The hub has no list for self-reports."""

    def __init__(self) -> None:
        super().__init__("This hub has no list for self-reports: its operator opens it with `lists open-self-reports`.")


class TooManySelfReportsError(ListError):
    """One support centre holds more items than it could have been told of."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Your organisation holds {most} items by self-reports already: end some, or have them assessed."
        )


class BadCorpusError(ListError):
    """A file of the safe corpus that cannot be read."""

    def __init__(self, line: int, field: str, message: str) -> None:
        super().__init__(f"line {line}: {field}: {message}.")


class BadRuleError(ListError):
    """A list cannot ask for this; the message names the field."""
