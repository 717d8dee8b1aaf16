"""Who decides on the command line, for the record."""

import getpass


def operator() -> str:
    """«cli:» and the name this machine knows the person by."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user needs no name
        return "cli"
