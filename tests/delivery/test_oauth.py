"""XOAUTH2: tokens are fetched once, kept, renewed in time, and never shown."""

import asyncio

import httpx2
import pytest

from config.delivery import OAuth
from relay.delivery.oauth import NoToken, TokenSource
from tests.support.script import Script

OAUTH = {
    "token_url": "https://login.test/token",
    "client_id": "gatepost",
    "client_secret": "a-secret-of-the-client-0123",
    "scope": "https://outlook.test/.default",
}


class Endpoint:
    """A token endpoint that counts."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.content.decode())
        if self._answers:
            return self._answers.pop(0)
        return httpx2.Response(200, json={"access_token": f"token{len(self.asked)}", "expires_in": 3600})


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def source(endpoint: Endpoint, seconds: Seconds, **more: str) -> TokenSource:
    oauth = OAuth.model_validate(OAUTH | more, context=_context())
    return TokenSource(oauth, transport=httpx2.MockTransport(endpoint), monotonic=seconds)


def _context():
    from pathlib import Path

    from config.types import Context

    return Context(folder=Path(), env={})


async def test_a_token_is_fetched_once_for_all_who_ask_and_kept(seconds: Seconds):
    endpoint = Endpoint()
    tokens = source(endpoint, seconds)
    assert await asyncio.gather(*(tokens.token() for _ in range(5))) == [("token1", True)] + [("token1", False)] * 4
    assert "grant_type=client_credentials" in endpoint.asked[0]
    assert "scope=https%3A%2F%2Foutlook.test%2F.default" in endpoint.asked[0]


async def test_it_is_renewed_a_minute_before_its_end(seconds: Seconds):
    tokens = source(Endpoint(), seconds)
    await tokens.token()
    seconds.now = 3539
    assert await tokens.token() == ("token1", False)
    seconds.now = 3541
    assert await tokens.token() == ("token2", True)


async def test_a_refresh_token_is_used_where_there_is_one(seconds: Seconds):
    endpoint = Endpoint()
    await source(endpoint, seconds, refresh_token="a-refresh-token-0123456789").token()
    assert "grant_type=refresh_token&client_id=gatepost&refresh_token=a-refresh-token" in endpoint.asked[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx2.Response(400, json={"error": "invalid_client", "error_description": "a-secret"}), "400 invalid_client"),
        (httpx2.Response(500, text="<html>a-secret"), "answered 500"),
        (httpx2.Response(200, text="nothing"), "is not JSON"),
        (httpx2.Response(200, json=["x"]), "is not a JSON object"),
        (httpx2.Response(200, json={}), "has no access token"),
    ],
)
async def test_an_endpoint_that_gives_none_is_quoted_without_secrets(seconds: Seconds, answer, words):
    with pytest.raises(NoToken, match=words) as raised:
        await source(Endpoint(answer), seconds).token()
    assert "a-secret" not in str(raised.value)


def xoauth2(accepted: str) -> Script:
    """A provider that takes this token and no other."""
    return Script(auth=("XOAUTH2",), users={"agent@corp.test": accepted}, require_auth=True)


async def test_a_login_with_a_token(make_house, make_provider, seconds: Seconds):
    provider = make_provider(xoauth2("token1"))
    house = await make_house(provider.settings(username="agent@corp.test", oauth=OAUTH))
    house.means.pool._tokens["lab"] = source(Endpoint(), seconds)
    assert house.delivery(await house.deliver()).state == "delivered"


async def test_a_token_refused_before_its_time_is_replaced_once(make_house, make_provider, seconds: Seconds):
    provider = make_provider(xoauth2("token2"))
    house = await make_house(provider.settings(username="agent@corp.test", oauth=OAUTH))
    tokens = house.means.pool._tokens["lab"] = source(Endpoint(), seconds)
    await tokens.token()
    assert house.delivery(await house.deliver()).state == "delivered"


async def test_without_a_token_it_is_a_broken_login_of_the_account(make_house, make_provider, seconds: Seconds):
    provider = make_provider(xoauth2("token1"))
    house = await make_house(provider.settings(username="agent@corp.test", oauth=OAUTH))
    refusal = httpx2.Response(401, json={"error": "invalid_client"})
    house.means.pool._tokens["lab"] = source(Endpoint(refusal), seconds)
    given = await house.deliver()
    assert (house.delivery(given).state, house.attempts(given)[0].phase) == ("deferred", "AUTH")
    assert house.alerts()[0]["cause"] == "configuration"
