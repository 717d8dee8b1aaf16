"""The JSON Schema agrees with the loader and explains every key."""

import json

import jsonschema
import pytest
import yaml

from config.errors import ConfigError
from config.loader import load_text
from config.schema import schema

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_valid_schema_and_plain_json():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_key_has_its_manual():
    bodies = [SCHEMA, *SCHEMA["$defs"].values()]
    assert not [name for body in bodies for name, entry in body["properties"].items() if not entry.get("description")]


def test_every_key_stands_in_both_spellings():
    assert {"fromAddress", "from_address"} <= set(SCHEMA["$defs"]["Mailbox"]["properties"])
    assert {"deliveryConfig", "delivery_config"} <= set(SCHEMA["properties"])


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nzzz: 1",
        "version: 1\nsmtp: {max_recipients: many}",
        "version: 1\nmailboxes: [{name: a}]",
        "version: 1\nsmtp: {bare_newline: maybe}",
        "version: 1\npolicies: {default: {rules: {recipient_burst: {limit: -1}}}}",
        "version: 1\nserver: {drain_timeout: 8}",
        "version: 2",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(text):
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text)))
    with pytest.raises(ConfigError):
        load_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\npolicies: {default: {rules: {cooldown: off, loop_detection: {mode: off}}, pauseReply: 451}}",
        "version: 1\npolicies: {default: {rules: {loop_detection: {transactional_mode: off}}}}",
        "version: 1\nserver: {workers: auto, drain_timeout: 0}\nrateLimits: {hourly: null, on_exceed: hold}",
        "version: 1\ncosts: {per_email: 0.1, monthlyFixed: 3}\nsmtp: {maxMessageSize: 1048576}",
    ],
)
def test_what_the_loader_takes_the_schema_takes(text):
    load_text(text)
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []
