"""What reaches a terminal: harmless, whole, and quiet about what is empty."""

import io
import json

import pytest
from rich.console import Console

from policy.moment import precise
from relay.cli import output
from relay.cli.output import Column, ago, ahead, how_many, listing, safe, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[31mred", "?[31mred"), ("a\r\nb", "a??b"), ("\x9b2J", "?2J"), ("żółw", "żółw"), ("a\u202eb", "a?b")],
)
def test_what_others_wrote_cannot_steer_the_terminal(text, shown):
    assert safe(text) == shown


def test_json_has_no_control_characters_either(capsys):
    output.print_json([{"subject": "\x1b[31m\x9b2J\x7f"}])
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\x7f"} & set(printed)
    assert json.loads(printed) == [{"subject": "\x1b[31m\x9b2J\x7f"}]


def test_a_pipe_gets_every_cell_whole(capsys):
    long = "send_01M85DERPTX6SKWN51754KYNRT " * 20
    listing([{"id": long}], [Column("Id", "id")], as_json=False)
    assert long.strip() in capsys.readouterr().out


def test_a_narrow_terminal_gets_every_id_whole(monkeypatch):
    monkeypatch.setattr("sys.stdout", terminal := io.StringIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # 80 wide, without colours
    row = {"id": "send_01M85DERPTX6SKWN51754KYNRT", "to": "somebody.else@example.com", "reply": "451 4.2.1 Busy. " * 9}
    for columns in (("id", "reply"), ("id", "to", "id", "reply")):
        listing([row], [Column(name, name) for name in columns], as_json=False)
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.split().count(row["id"]) for line in lines) == 3
    assert "to somebody.else@example.com" in terminal.getvalue()


def test_columns_nobody_has_anything_in_are_left_out():
    drawn = io.StringIO()
    columns = [Column("Name", "name"), Column("Cause", "cause"), Column("Count", lambda row: len(row["name"]))]
    Console(file=drawn, width=80).print(table([{"name": "a", "cause": ""}, {"name": "bb"}], columns))
    assert "Cause" not in drawn.getvalue()
    assert "Count" in drawn.getvalue()


def test_square_brackets_are_no_markup():
    drawn = io.StringIO()
    Console(file=drawn, width=80).print(table([{"name": "[red]x[/red]"}], [Column("Name", "name")]))
    assert "[red]x[/red]" in drawn.getvalue()


def test_an_empty_listing_says_what_to_do(capsys):
    listing([], [], as_json=False, empty="Make one.")
    assert capsys.readouterr().out == "Make one.\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (200_000, "2 d"), (-7200, "in 2 h")]
)
def test_times_are_told_relative_to_now(seconds, words):
    assert ago("2026-01-02T00:00:00Z", (1_767_312_000 + seconds) * 1000) == words


def test_what_is_past_is_due_now():
    assert ahead("2026-01-02T00:00:00Z", 1_767_312_001_000) == "now"
    assert ahead("2026-01-02T00:00:00Z", 1_767_300_000_000) == "in 3 h"
    assert ahead(None, 0) == ""


def test_never_is_nothing():
    assert (precise(0), ago(None, 0)) == (None, "")
    assert precise(1_767_312_000_000) == "2026-01-02T00:00:00.000Z"


def test_counts_agree_with_their_nouns():
    assert [how_many(n, "entry", "entries") for n in (1, 2000)] == ["1 entry", "2,000 entries"]
