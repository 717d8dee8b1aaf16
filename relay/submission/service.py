"""What a session works with: the terms of its listener and the parts behind it. Made once for each listener."""

import ssl
from collections.abc import Callable

from msgspec import Struct

from relay.submission.greeting import Greeting
from relay.submission.submission import Desk
from relay.submission.terms import Terms
from relay.submission.throttle import Throttle
from relay.submission.traffic import Traffic


class Service(Struct, frozen=True):
    """Shared by the sessions of one listener; desk, traffic and throttle are shared by all listeners of the process."""

    terms: Terms
    greeting: Greeting
    desk: Desk
    traffic: Traffic
    throttle: Throttle
    context: Callable[[], ssl.SSLContext]  # the current certificate; called only where TLS is used
    now_ms: Callable[[], int]
