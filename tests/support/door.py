"""How a test talks to a running Gatepost, whether in a process of its own or inside this one."""

import ssl
from collections.abc import Sequence
from typing import Any

import httpx2

from tests.support import smtp
from tests.support.settings import ADDRESS, ADMIN_KEY, PASSWORD, USER, Tree, endpoint

_TRUST = ssl.create_default_context()  # shared, since making one for each client takes longer than most calls


class Door:
    """Its SMTP and HTTP addresses, and the shortest ways to use them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.smtp = endpoint(tree["smtp"]["listeners"][0]["bind"])
        self.http = f"http://{tree['http']['bind']}"

    def api(self, key: str = ADMIN_KEY) -> httpx2.Client:
        """A client of the HTTP API with that key, to be used in a `with` statement."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.http, headers=headers, timeout=20, verify=_TRUST)

    def call(
        self, method: str, path: str, body: Any = None, status: int = 200, *, key: str = ADMIN_KEY, **more: Any
    ) -> Any:
        """A call of the operator, or with `key` of somebody else; the answer, which must have this status."""
        with self.api(key) as api:
            answer = api.request(method, path, json=body, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def connect(self, *, login: bool = True) -> smtp.Client:
        """A raw SMTP connection after EHLO, logged in by default as the mailbox of the settings."""
        client = smtp.Client(self.smtp)
        try:
            client.greet()
            if login:
                assert client.login(USER, PASSWORD).code == 235
        except BaseException:  # so that no socket is left over if the server is killed while it greets
            client.close()
            raise
        return client

    def submit(self, to: Sequence[str], message: bytes, mail_from: str = ADDRESS) -> smtp.Reply:
        """Submit one message over a connection of its own; returns the reply to its dot, or the earlier refusal."""
        with self.connect() as client:
            return client.submit(mail_from, list(to), message)
