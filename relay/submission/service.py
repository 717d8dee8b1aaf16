"""What a session works with: its listener's terms and the house behind it. Made once a listener."""

import ssl
from collections.abc import Callable

from msgspec import Struct

from relay.submission.greeting import Greeting
from relay.submission.submission import Desk
from relay.submission.terms import Terms
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic


class Service(Struct, frozen=True):
    """Shared by the sessions of one listener; desk, traffic and throttle by all listeners of the process."""

    terms: Terms
    greeting: Greeting
    desk: Desk
    traffic: Traffic
    throttle: Throttle
    context: Callable[[], ssl.SSLContext]  # the certificate as it is now; asked only where TLS is spoken
    now_ms: Callable[[], int]
