"""Where `gatepost` begins.

Loading the commands takes a quarter of a second. A SIGHUP in that time would end a server that has no handler
yet, so it is held back before anything else: `serve` lets it in once it can reload, every other command at once.
"""

import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from relay.cli.program import ready_to_speak, run

    ready_to_speak()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    main()
