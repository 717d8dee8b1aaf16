"""`gatepost serve`: SMTP, HTTP and delivery, until it is told to stop."""

from relay.cli.options import ConfigFile, path_of


def serve(config: ConfigFile = None) -> int:
    """Run everything: SMTP, HTTP, delivery. SIGTERM drains, SIGHUP reloads."""
    from relay.app.serve import run

    return run(path_of(config))
