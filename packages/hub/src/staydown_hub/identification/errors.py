"""What is refused about cases, with what to do about it."""


class NotForThisKindError(Exception):
    """Somebody who is not police asked about a case, or said something of one."""

    def __init__(self) -> None:
        super().__init__("Only police see and say whether a victim is identified.")
