"""What a client hears and what the house recorded, taken apart for scenario tests."""

import re
from dataclasses import dataclass
from typing import Any

from tests.support.door import Door
from tests.support.smtp import Reply

LONGEST = 200  # octets of a reply with its CRLF

_REFUSAL = re.compile(
    r"(?P<code>[45]\d\d) (?P<enhanced>[45]\.\d+\.\d+) (?P<reason>[a-z_]+): (?P<detail>[^;]*); "
    r"retry=(?P<retry>never|human|\d+) next=(?P<next>[a-z_]+) send=(?P<send>send_[0-9A-Z]{26})"
)
_TAKEN = re.compile(r"250 2\.0\.0 Ok: queued as (?P<send>send_[0-9A-Z]{26})(?: \((?P<note>[^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Said:
    """A reply by the words a client can act on."""

    code: int
    enhanced: str
    reason: str
    detail: str
    retry: str
    next: str
    send: str

    @property
    def verdict(self) -> tuple[int, str, str, str, str]:
        """All but the words for people."""
        return (self.code, self.enhanced, self.reason, self.retry, self.next)


def refused(reply: Reply | str | bytes) -> Said:
    """A refusal, which must be one parseable line of ASCII, short enough for every client."""
    text = reply.decode() if isinstance(reply, bytes) else str(reply)
    assert text.isascii()
    assert len(text) + 2 <= LONGEST, text
    found = _REFUSAL.fullmatch(text)
    assert found, text
    words = found.groupdict()
    assert words["code"][0] == words["enhanced"][0]
    return Said(int(words.pop("code")), **words)


def taken(reply: Reply | str, note: str = "") -> str:
    """The send id of a message that was taken, with this remark and no other."""
    found = _TAKEN.fullmatch(str(reply))
    assert found, str(reply)
    assert (found["note"] or "") == note
    return found["send"]


def trace(door: Door, send_id: str) -> dict[str, Any]:
    """The decision as `GET /v1/decisions/{sendId}` tells it."""
    told: dict[str, Any] = door.call("GET", f"/v1/decisions/{send_id}")
    return told


def check(told: dict[str, Any], rule: str, recipient: str = "") -> dict[str, Any]:
    """What one rule found, the only time it was asked (of this recipient)."""
    found = [c for c in told["checks"] if c["rule"] == rule and (not recipient or c.get("recipient") == recipient)]
    assert len(found) == 1, found
    one: dict[str, Any] = found[0]
    return one


def checked(told: dict[str, Any], rule: str, status: str, recipient: str = "", **evidence: Any) -> dict[str, Any]:
    """Asserts the status of a check and some of its evidence."""
    one = check(told, rule, recipient)
    assert one["status"] == status, one
    assert {name: one.get(name) for name in evidence} == evidence
    return one


def events(door: Door, send_id: str) -> list[str]:
    """The types of everything that happened to a send, in order."""
    told = door.call("GET", "/v1/events", params={"sendId": send_id, "limit": 1000})
    return [event["type"] for event in told["data"]]


def found(door: Door, recipient: str, state: str = "") -> list[str]:
    """The sends to an address, in a state if one is named."""
    told = door.call("GET", "/v1/sends", params={"recipient": recipient} | ({"state": state} if state else {}))
    return [send["sendId"] for send in told["data"]]


def states(door: Door, send_id: str) -> dict[str, str]:
    """The state of each recipient of a send."""
    return {one["recipient"]: one["state"] for one in door.call("GET", f"/v1/sends/{send_id}")["recipients"]}


def waits_for(door: Door, send_id: str) -> str:
    """Why a send's only recipient waits; "" once it is delivered."""
    (one,) = door.call("GET", f"/v1/sends/{send_id}")["recipients"]
    return str(one["reason"] or "") if one["state"] != "delivered" else ""
