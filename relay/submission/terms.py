"""What a listener demands of its clients: sizes, counts and times, as one value given to each session.

The defaults are those of the example configuration. A reload gives the listener a new value; open sessions
keep the one they began with.
"""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from msgspec import Struct, field

from config.smtp import TlsMode
from policy.settings import Options
from relay.submission.submission import Principal


class Timeouts(Struct, frozen=True):
    """Seconds, each for a phase of its own; sending bytes that complete nothing extends none of them."""

    command: float = 300.0  # for a whole command line, RFC 5321 §4.5.3.2.7
    data: float = 120.0  # of silence inside a message
    message: float = 600.0  # for a whole message, extended by what arrived at `data_rate`
    data_rate: int = 500  # octets a second that count as progress (Postfix's smtpd_min_data_rate)
    handler: float = 30.0  # for us to answer
    write: float = 60.0  # for the client to read a reply
    handshake: float = 10.0  # TLS
    connection: float = 1800.0  # of a connection's life; nothing under way is cut off by it
    linger: float = 5.0  # for the client to read the last reply before the socket is closed


class Limits(Struct, frozen=True):
    """Counts; the first three apply to all workers of a machine together."""

    total: int = 2000  # connections
    per_address: int = 50  # of them, unauthenticated, from one address
    per_credential: int = 500
    transactions: int = 10_000  # in one connection
    errors: int = 20  # in one connection since its last accepted message
    junk: int = 100  # commands that bring no message closer, counted in the same way
    overlong: int = 3  # lines too long, in one connection
    auth_failures: int = 3  # in one connection
    memory: int = 268_435_456  # octets of messages held in memory


class Terms(Struct, frozen=True):
    """Everything a session must know about the listener it came in by."""

    hostname: str
    max_message_size: int = 26_214_400
    max_recipients: int = 100
    bare_newline: Literal["normalize", "reject"] = "normalize"
    plaintext_auth: bool = False  # whether AUTH without TLS is allowed
    tls: TlsMode = "none"
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    trusted_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    # How a mailbox wants decisions reported. Called once a transaction, so it must not wait for anything.
    options: Callable[[Principal], Options] = field(default=lambda _: Options())
