"""`gatepost serve`: SMTP, HTTP and delivery, until it is told to stop."""

import signal

from relay.cli.options import ConfigFile, path_of


def serve(config: ConfigFile = None) -> int:
    """Run everything: SMTP, HTTP, delivery. SIGTERM drains, SIGHUP reloads."""
    # One that comes while we start would end us: it waits, and is heard once we serve.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from relay.app.serve import run

    return run(path_of(config))
