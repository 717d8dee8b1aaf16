"""Why something of the installation cannot be found or changed."""


class Unknown(Exception):
    """There is no such thing: a tenant, a mailbox, whatever `kind` says."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name}")
        self.kind = kind


class Ambiguous(Exception):
    """Mailboxes of several tenants have this name."""


class Taken(Exception):
    """The name or address belongs to another mailbox or tenant."""


class InUse(Exception):
    """It cannot be changed because something else still depends on it."""


class Declared(Exception):
    """It is declared in the configuration file and must be changed there."""
