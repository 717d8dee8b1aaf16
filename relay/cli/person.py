"""The person who decides on the command line, for the record."""

import getpass


def operator() -> str:
    """«cli:» and the user name on this machine."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user in a container may have no name
        return "cli"
