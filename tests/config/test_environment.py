"""Any value can be set by the environment."""

import pytest

from config.errors import ConfigError
from config.loader import load_text

FILE = """
version: 1
smtp: {maxRecipients: 10}
mailboxes: [{name: sales-agent, fromAddress: s@b.test}]
deliveryConfig: {providers: [{name: lab, provider: smtp, host: 127.0.0.1}]}
"""


def settings(**env):
    return load_text(FILE, env={f"GATEPOST_{name}": value for name, value in env.items()}).settings


def test_the_environment_wins_over_the_file_whatever_its_spelling():
    assert settings(SMTP__MAX_RECIPIENTS="20").smtp.max_recipients == 20
    assert settings(SMTP__MAXRECIPIENTS="20").smtp.max_recipients == 20
    assert settings(SERVER__WORKERS="auto").server.workers == "auto"
    assert settings(POLICIES__DEFAULT__RATE_LIMITS__HOURLY="7").policy().rate_limit_hourly.limit == 7
    assert settings(POLICIES__DEFAULT__RULES__COOLDOWN__MODE="off").policy().cooldown.mode == "off"
    assert settings(RATE_LIMITS__DAILY="9").policy().rate_limit_daily.limit == 9


def test_entries_of_lists_are_meant_by_name_or_number():
    assert settings(MAILBOXES__SALES_AGENT__ROLE="bulk").mailboxes[0].role == "bulk"
    assert settings(MAILBOXES__0__ROLE="bulk").mailboxes[0].role == "bulk"
    assert settings(DELIVERYCONFIG__PROVIDERS__LAB__PORT="2600").providers[0].port == 2600
    appended = settings(MAILBOXES__1__NAME="two", MAILBOXES__1__FROM_ADDRESS="t@b.test")
    assert [box.name for box in appended.mailboxes] == ["sales-agent", "two"]


def test_whole_lists_and_mappings_are_given_as_yaml():
    assert settings(SMTP__TRUSTED_NETWORKS='[10.0.0.0/8, "::1"]').smtp.trusted_networks[1].version == 6
    assert settings(INTERNAL_DOMAINS__0="a.test").internal_domains == ("a.test",)
    assert settings(SMTP__CONNECTIONS="{total: 5}").smtp.connections.total == 5


def test_a_secret_is_taken_as_it_stands_or_from_a_file(tmp_path):
    (tmp_path / "key").write_text("from-the-file-0123")
    assert settings(HTTP__ADMIN_KEY="0[123456789]{abc").http.admin_key.reveal() == "0[123456789]{abc"
    assert settings(HTTP__ADMIN_KEY_FILE=f"{tmp_path}/key").http.admin_key.reveal() == "from-the-file-0123"


def test_only_names_with_two_underscores_are_settings_and_empty_ones_are_not_given():
    assert settings(CONFIG="x", ADMIN_KEY="y", SMTP__MAX_RECIPIENTS="").smtp.max_recipients == 10


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("HTTP__ADMIN_KEY", "HTTP__ADMIN_KEY_FILE", "0123456789abcdef"),
        ("SMTP__MAXRECIPIENTS", "SMTP__MAX_RECIPIENTS", "5"),
        ("MAILBOXES__0__ROLE", "MAILBOXES__SALES_AGENT__ROLE", "bulk"),
    ],
)
def test_of_two_variables_for_one_setting_none_wins_in_silence(one, other, value):
    with pytest.raises(ConfigError, match=f"^GATEPOST_{other}: is given twice, also by GATEPOST_{one}$"):
        settings(**{one: value, other: value})
    assert settings(SMTP__CONNECTIONS="{total: 5}", SMTP__CONNECTIONS__TOTAL="6").smtp.connections.total == 6
    named = load_text(FILE, source="GATEPOST_lab.yaml", env={"GATEPOST_SMTP__MAX_RECIPIENTS": "7"})
    assert named.settings.smtp.max_recipients == 7


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SMTP__MAX_RECIPIENT", "1", "unknown setting; did you mean GATEPOST_SMTP__MAX_RECIPIENTS?"),
        ("SMPT__MAX_RECIPIENTS", "1", "unknown setting; did you mean GATEPOST_SMTP?"),
        ("SMTP__MAX_RECIPIENTS", "x", "smtp.maxRecipients: must be a whole number, not the text 'x'"),
        ("SMTP__MAX_RECIPIENTS__X", "1", "unknown setting: there is nothing below GATEPOST_SMTP__MAX_RECIPIENTS"),
        ("MAILBOXES__NOBODY__ROLE", "bulk", "unknown setting: no entry has the number or name nobody"),
        ("SMTP__LISTENERS", "[\udcff]", "is not text in UTF-8"),
        ("SMTP__CONNECTIONS", "{totl: 5}", "smtp.connections.totl: unknown key; did you mean total?"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named_by_its_variable(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        settings(**{name: value})
    assert str(caught.value) == f"GATEPOST_{name}: {expected}"
