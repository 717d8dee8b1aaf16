"""The listeners: for submission (smtp) and for what comes back (inbound)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from config.types import (
    Bind,
    Domain,
    FilePath,
    Listening,
    NetworkField,
    Positive,
    Section,
    Size,
    Wait,
    is_loopback,
)

TlsMode = Literal["none", "starttls", "implicit"]


class Listener(Listening):
    # Address and port, as "127.0.0.1:2525" or "[::]:587", which takes IPv4 too. Port 0 takes any free one.
    bind: Bind
    # none, starttls (usual on 587) or implicit (usual on 465). Default none.
    tls: TlsMode = "none"
    # Offer AUTH without TLS although the address can be reached from outside. Default false: passwords would cross
    # the network in clear text. Set it only behind a proxy that terminates TLS.
    allow_plaintext_auth: bool = False

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def offers_plaintext_auth(self) -> bool:
        """Whether a client may authenticate on it without TLS."""
        return self.tls != "implicit" and (self.is_loopback or self.allow_plaintext_auth)


class Tls(Section):
    # Certificate chain, PEM, as file:cert.pem. Read again on reload.
    certificate: FilePath
    # Its private key, PEM, as file:key.pem.
    key: FilePath
    # The oldest TLS version spoken. Default 1.2.
    minimum: Literal["1.2", "1.3"] = "1.2"


class Connections(Section):
    # Open connections. Default 2000; fewer if the system allows too few open files (two each, and 512 in addition).
    # This and the next two are counted by all workers of a machine together.
    total: Positive = 2000
    # From one address, unauthenticated. Default 50. Loopback and trusted_networks are exempt.
    per_address: Positive = 50
    # With one credential. Default 500.
    per_credential: Positive = 500


class Timeouts(Section):
    # Longest silence while waiting for a command. Default 5 min (RFC 5321 section 4.5.3.2.7).
    command: Wait = timedelta(minutes=5)
    # Longest silence within a message. Default 2 min.
    data: Wait = timedelta(minutes=2)
    # Longest time a whole message may take, however steadily it arrives. Default 10 min.
    message: Wait = timedelta(minutes=10)
    # Longest time the server takes to judge a message before it answers 451. Default 30 s.
    handler: Wait = timedelta(seconds=30)
    # Longest time a client may leave a reply unread. Default 60 s.
    write: Wait = timedelta(seconds=60)


class AuthLimits(Section):
    # Failed logins before the connection is closed. Default 3.
    failures_per_connection: Positive = 3
    # Failed logins from one address within the window before it is locked out. Default 20.
    failures_per_address: Positive = 20
    # The window, and how long the lock-out lasts. Default 15 min.
    lockout: Wait = timedelta(minutes=15)


class Smtp(Section):
    # Where submissions come in. Default: 127.0.0.1:2525 without TLS.
    listeners: tuple[Listener, ...] = (Listener(bind="127.0.0.1:2525"),)
    # Certificate and key; required by listeners with starttls or implicit, including those of inbound.
    tls: Tls | None = None
    # Largest message, announced as SIZE. Default 25 MiB. More than the providers take only delays
    # the refusal.
    max_message_size: Annotated[Size, Field(ge=65_536, le=1_073_741_824)] = 26_214_400
    # Recipients of one message, at most 1,000. Default 100. The rest get 452.
    max_recipients: Annotated[int, Field(ge=1, le=1000)] = 100
    # A bare LF in a message: normalize (default) makes it CRLF before anything is judged,
    # reject refuses the message. Only CRLF.CRLF ends it either way.
    bare_newline: Literal["normalize", "reject"] = "normalize"
    # How many connections may be open.
    connections: Connections = Connections()
    # How long a client may take.
    timeouts: Timeouts = Timeouts()
    # Limits on guessing passwords.
    auth: AuthLimits = AuthLimits()
    # Networks exempt from connections.per_address and the lock-out. Default none.
    trusted_networks: tuple[NetworkField, ...] = ()
    # Errors a client may make before it is disconnected. Default 20.
    max_errors: Positive = 20
    # Bytes of messages in transfer a process holds in memory at once. Default 256 MiB.
    memory: Annotated[Size, Field(ge=1_048_576)] = 268_435_456


class Inbound(Section):
    # Where bounces, complaints and mailto-unsubscribes come in, without AUTH, only for addresses
    # this server made. Default none: bounces go to the envelope sender, providers report by hook.
    listeners: tuple[Listener, ...] = ()
    # Domain of those addresses; its MX must lead to these listeners. Default none.
    bounce_domain: Domain | None = None
    # Largest message taken. Default 10 MiB.
    max_message_size: Annotated[Size, Field(ge=65_536, le=104_857_600)] = 10_485_760
    # Recipients of one message. Default 10.
    max_recipients: Annotated[int, Field(ge=1, le=100)] = 10
    # Open connections of a process. Default 200.
    max_connections: Positive = 200
