"""`gatepost serve`: SMTP, HTTP and delivery, until it is told to stop."""

import signal

from relay.cli.options import ConfigFile, path_of


def serve(config: ConfigFile = None) -> int:
    """Run everything: SMTP, HTTP, delivery. SIGTERM drains, SIGHUP reloads."""
    # A SIGHUP during the start would end the process: it is held back until the server is running.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from relay.app.serve import run

    return run(path_of(config))
