"""Why there is no database."""


class Refused(Exception):
    """The database cannot be started as things are."""

    def __init__(self, what: str, *, why: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"error: {self.what}\n  why:  {self.why}\n  hint: {self.hint}"
