"""The configuration tests start from is one Gatepost itself accepts."""

from config.loader import load
from tests.support.ports import free_port
from tests.support.settings import merged, settings, write


def test_the_loader_takes_it_and_only_minds_the_literal_secrets(tmp_path, provider):
    loaded = load(write(tmp_path, settings(tmp_path, providers=[provider.settings()])))
    assert loaded.settings.mailboxes[0].name == "agent"
    assert not [
        warning for warning in loaded.warnings if "secret" not in str(warning) and "literal" not in str(warning)
    ]


def test_changes_are_merged_key_by_key_and_lists_replaced():
    assert merged({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}, "d": 1}


def test_no_port_is_given_twice_in_a_row():
    assert len({free_port() for _ in range(50)}) == 50
