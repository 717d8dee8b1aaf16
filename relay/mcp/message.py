"""Checks that the body of a `/mcp` call is one JSON-RPC 2.0 message as MCP restricts it (no batch, no null
id, named params).
"""

from typing import Any, NamedTuple

from relay.http.problems import Problem
from relay.http.strict import load

# JSON-RPC 2.0 §5.1
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602


class Fault(NamedTuple):
    """What is wrong with a message; the id is null if the message is not a request (§5)."""

    code: int
    message: str
    id: str | int | None = None

    def answer(self) -> dict[str, Any]:
        """The error response."""
        return {"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message}}


def fault_of(raw: bytes) -> Fault | None:
    """What is wrong with a body; None if it is a message."""
    try:
        message = load(raw)
    except Problem as problem:
        return Fault(PARSE_ERROR, f"Parse error: {problem.detail}")
    if not isinstance(message, dict):
        return _invalid("a call is one JSON object, no batch")
    if message.get("jsonrpc") != "2.0":
        return _invalid('jsonrpc must be "2.0"')
    if "method" not in message:
        return None if {"result", "error"} & message.keys() else _invalid("method is missing")
    if not isinstance(message["method"], str):
        return _invalid("method must be a string")
    if "id" in message and type(message["id"]) not in (str, int):
        return _invalid("id must be a string or an integer")
    if not isinstance(message.get("params", {}), dict):
        return Fault(INVALID_PARAMS, "Invalid params: params must be an object", message.get("id"))
    return None


def _invalid(words: str) -> Fault:
    return Fault(INVALID_REQUEST, f"Invalid Request: {words}")
