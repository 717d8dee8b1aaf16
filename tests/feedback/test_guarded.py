"""H14: calls to addresses others chose lead nowhere inside, are pinned, cut and timed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay.feedback import guarded
from relay.feedback.guarded import Answer, CallFailed, Forbidden, Line, check_address, check_url
from tests.feedback.receiver import Receiver
from tests.support.swallowing import DEAD, swallowing

MakeReceiver = Callable[..., Receiver]


async def post(url: str, timeout: float = guarded.MAX_TIME, **line: Any) -> Answer:
    async with Line(**line) as one:
        return await one.post(url, b"{}", {}, timeout)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.1./",
        "https://127.0.0.0X1/",
        "https://0/",
        "https://10.1.2.3/",
        "https://100.64.0.1/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fec0::1]/",
        "http://hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://user@hooks.example.com/",
        "https://hooks.example.com:25/",
        "https://hooks.example.com:6379/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com\\.example.net/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/é",
        "https:///nowhere",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/\r\nX:y",
    ],
)
def test_H14_a_url_that_leads_inside_is_not_called(url: str):
    with pytest.raises(Forbidden):
        check_url(url)


@pytest.mark.parametrize(
    "host", ["hooks..example.com", ".example.com", "..", "a" * 64 + ".example", "a.example..", "a." * 127 + "example"]
)
def test_a_host_no_resolver_can_ask_for_is_no_destination(host: str):
    with pytest.raises(Forbidden, match="host name"):
        check_url(f"https://{host}/mail")


async def test_a_name_that_cannot_be_asked_for_is_a_call_that_failed():
    async def find(host: str, port: int) -> list[str]:
        host.encode("ascii").decode("utf-16")  # what a codec says of a name
        return []

    with pytest.raises(CallFailed):
        await post("https://abc/", find=find)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?y=1",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://a.example.:8443/",
        f"https://{'a' * 63}.example/",
        f"https://{'a.' * 126}a/",
    ],
)
def test_H14_ordinary_urls_pass(url: str):
    check_url(url)


def test_H14_a_certificate_may_be_fetched_by_http_but_not_from_inside():
    check_url("http://certificates.example.com/", allow_http=True)
    with pytest.raises(Forbidden, match="private"):
        check_url("http://10.1.2.3/", allow_http=True)


def test_H14_inside_too_nothing_but_http_is_spoken():
    with pytest.raises(Forbidden, match="https"):
        check_url("ftp://10.1.2.3/", allow_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "192.0.0.192",
        "224.0.0.1",
        "0.0.0.0",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:808:808::5601:5601",
        "::ffff:169.254.169.254",
        "64:ff9b::6464:64c8",
    ],
)
def test_H14_some_addresses_are_never_called_not_even_where_private_ones_are(address: str):
    with pytest.raises(Forbidden):
        check_address(address, allow_private=True)


@pytest.mark.parametrize("address", ["::1", "10.0.0.1", "fec0::1", "64:ff9b::a00:1", "64:ff9b:1:a00:0:100::"])
def test_H14_private_addresses_are_called_where_the_operator_says_so(address: str):
    check_address(address, allow_private=True)


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["169.254.169.254"]])
async def test_H14_a_name_that_leads_inside_is_not_called(answers: list[str]):
    async def find(host: str, port: int) -> list[str]:
        return answers

    with pytest.raises(Forbidden):
        await post("https://rebinding.example/", find=find)


async def test_H14_the_address_that_was_checked_is_the_one_that_is_called(make_receiver: MakeReceiver):
    receiver, asked = make_receiver(), []

    async def find(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answer = await post(f"http://hooks.example:{port}/x", allow_private=True, find=find)
    assert answer.code == 200
    assert asked == ["hooks.example"]
    assert receiver.calls[0].headers["Host"] == f"hooks.example:{port}"


@pytest.mark.parametrize("swallow", [True, False])
async def test_a_destination_with_dead_addresses_is_reached_at_the_one_that_lives(
    make_receiver: MakeReceiver, swallow: bool
):
    async def find(host: str, port: int) -> tuple[str, ...]:
        return (*DEAD, "127.0.0.1")

    receiver = make_receiver()
    port = urlsplit(receiver.url).port or 0
    with swallowing(DEAD, port) if swallow else contextlib.nullcontext():
        assert (await post(f"http://many.test:{port}/x", 5, allow_private=True, find=find)).code == 200


async def test_H14_a_huge_answer_is_cut(make_receiver: MakeReceiver):
    receiver = make_receiver((200, b"x" * (1 << 20)))
    answer = await post(receiver.url, allow_private=True)
    assert len(answer.body) == guarded.MAX_ANSWER


async def test_H14_a_slow_answer_is_given_up(make_receiver: MakeReceiver):
    with pytest.raises(CallFailed, match="in time"):
        await post(make_receiver().url, allow_private=True, timeout=0)


async def test_why_nobody_answered_is_told_in_words():
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(CallFailed, match=r"lost before an answer|reset by peer|Broken pipe"):
        await post(url, allow_private=True)
    server.close()
    await server.wait_closed()
    with pytest.raises(CallFailed, match="Connection refused"):
        await post(url, allow_private=True)


async def test_a_status_counts_however_its_body_ends():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await post(f"http://127.0.0.1:{port}/", allow_private=True) == Answer(200, b"so far")


async def test_a_call_that_is_given_up_at_any_moment_leaves_no_connection_open():
    opened: list[asyncio.StreamReader] = []
    hung_up = asyncio.Semaphore(0)

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(reader)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        hung_up.release()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for turns in range(80):  # of the loop, until somebody gives up
            call = asyncio.create_task(post(url, allow_private=True))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        await asyncio.sleep(0)
        assert opened
        async with asyncio.timeout(10):
            for _ in opened:
                await hung_up.acquire()
