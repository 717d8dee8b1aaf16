"""A person at the console without a browser: cookies are kept, forms carry their token and Origin."""

import re
from typing import Any

import httpx2

from relay.http.api import Api
from tests.support.settings import ADMIN_KEY

BASE = "http://console.test"


class Visitor:
    """One person."""

    def __init__(self, office: Any) -> None:
        self.office = office
        transport = httpx2.ASGITransport(app=Api(office.house))
        self.client = httpx2.AsyncClient(transport=transport, base_url=BASE)
        self.token = ""

    async def sign_in(self, key: str = ADMIN_KEY, **headers: str) -> httpx2.Response:
        """With the operator's key; its Origin is our own unless another is given."""
        sent = {"Origin": BASE} | headers
        answer = await self.client.post("/sign-in", data={"key": key}, headers=sent)
        if answer.status_code == 303:
            self.token = token_in((await self.client.get("/")).text)
        return answer

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        """A page."""
        return await self.client.get(path, **more)

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """A button: with the form's token and our Origin."""
        return await self.client.post(path, data={"token": self.token, **fields}, headers={"Origin": BASE})


def token_in(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found, page[:500]
    return found[1]


async def visitor(office: Any) -> Visitor:
    """A person who signed in."""
    made = Visitor(office)
    assert (await made.sign_in()).status_code == 303
    return made
