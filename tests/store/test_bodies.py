"""The bytes of a message are given back as they came, however large."""

import os

import pytest

from relay.mail.ids import new_id
from relay.store.engine import Database
from relay.store.prepared import PIECE
from relay.store.sends import body, delete_body, insert_body

NOW = 1_774_353_600_000


@pytest.mark.parametrize("octets", [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7])
def test_a_body_that_is_stored_piece_by_piece_is_read_back_whole(database: Database, octets: int) -> None:
    send, other = (new_id("send", NOW, os.urandom) for _ in range(2))
    data = (bytes(range(256)) * (octets // 256 + 1))[:octets]
    with database.transaction() as connection:
        insert_body(connection, send, data)
        insert_body(connection, other, b"another")
    with database.transaction() as connection:
        assert (body(connection, send), body(connection, other)) == (data, b"another")
        delete_body(connection, send)
        assert (body(connection, send), body(connection, other)) == (None, b"another")
