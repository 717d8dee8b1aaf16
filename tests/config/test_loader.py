"""What a right configuration turns into."""

from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_network

import pytest
from sqlalchemy.engine import make_url

from config.errors import ConfigError, SecretMissing
from config.loader import load, load_text


def test_a_file_that_says_only_its_version_is_valid_and_safe(tmp_path):
    settings = load_text("version: 1", folder=tmp_path).settings
    assert [one.bind for one in settings.smtp.listeners] == ["127.0.0.1:2525"]
    assert settings.http.bind == "127.0.0.1:8025"
    assert settings.server.data_dir == tmp_path / "data"
    assert settings.storage.path == tmp_path / "data" / "gatepost.db"
    assert settings.server.public_url == "http://127.0.0.1:8025"
    assert settings.policy().rate_limit_hourly.limit == 100


def test_every_key_is_accepted_in_both_spellings():
    snake = "version: 1\nbounce_handling: {soft_bounces: {max_retries: 5}}\nattribution_windows: {won_deal: 2d}"
    camel = "version: 1\nbounceHandling: {softBounces: {maxRetries: 5}}\nattributionWindows: {won_deal: 2d}"
    one, other = load_text(snake).settings, load_text(camel).settings
    assert one == other
    assert one.bounce_handling.soft_bounces.max_retries == 5
    assert one.attribution_windows["won_deal"] == timedelta(days=2)
    assert one.attribution_windows["deal_closed"] == timedelta(days=30)


def test_a_type_of_event_in_camel_case_is_the_one_in_snake_case():
    windows = load_text("version: 1\nattributionWindows: {trialStarted: 1s, won_deal: 2d}").settings.attribution_windows
    assert windows["trial_started"] == timedelta(seconds=1)
    assert "trialStarted" not in windows
    assert windows["won_deal"] == timedelta(days=2)


def test_yaml_1_1_surprises_are_read_as_written():
    text = """
version: 1
mailboxes: [{name: 007, fromAddress: NO@b.test, fromName: Off, policy: quiet}]
policies:
  quiet: {rules: {cooldown: {mode: off}, loop_detection: off, duplicate: {mode: false}, send_window: {start: 9:30}}}
"""
    settings = load_text(text).settings
    box = settings.mailboxes[0]
    assert (box.name, box.from_address, box.from_name) == ("007", "NO@b.test", "Off")
    policy = settings.policy_for(box)
    assert policy.cooldown.mode == policy.loop_detection.mode == policy.duplicate.mode == "off"
    assert policy.send_window.start == "09:30"


def test_a_section_whose_lines_are_all_commented_out_counts_as_not_given():
    settings = load_text("version: 1\nsmtp:\ndomains:\nhttp: {bind: }\nserver: {secret_key: }").settings
    assert settings.smtp.max_recipients == 100
    assert settings.domains == ()
    assert settings.server.secret_key is None


def test_anchors_and_merge_keys_work():
    text = """
version: 1
policies:
  strict: {rules: &rules {cooldown: &wait {minutes: 60, all_mail: true}}}
  other: {rules: {<<: *rules, recipient_lease: {mode: enforce}}}
  third: {rules: {cooldown: {<<: *wait, minutes: 5}}}
"""
    settings = load_text(text).settings
    assert settings.policy("other").cooldown.minutes == 60
    assert (settings.policy("third").cooldown.minutes, settings.policy("third").cooldown.all_mail) == (5, True)


def test_values_arrive_in_the_type_of_the_trade(tmp_path):
    text = """
version: 1
smtp: {max_message_size: 10MiB, trusted_networks: [10.1.2.3/8, "::1"]}
costs: {per_email: 0.0008, monthly_fixed: 10}
dns: {nameservers: ["127.0.0.1:5353", 9.9.9.9, "::1", "[::1]:53"]}
domains: [{domain: Bücher.Example., physical_address: "1 Main St"}]
storage: {url: "sqlite+aiosqlite:///./x/y.db"}
"""
    settings = load_text(text, folder=tmp_path).settings
    assert settings.smtp.max_message_size == 10 * 1024 * 1024
    assert settings.smtp.trusted_networks == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.costs.per_email == Decimal("0.0008")
    assert settings.dns.nameservers == ("127.0.0.1:5353", "9.9.9.9:53", "[::1]:53", "[::1]:53")
    assert settings.domains[0].domain == "xn--bcher-kva.example"
    assert settings.storage.dsn == f"sqlite+aiosqlite:///{tmp_path}/x/y.db"


def test_a_database_url_by_reference_is_read_and_hidden():
    env = {"DB": "postgresql+psycopg://u:pg-secret@h/db"}
    settings = load_text("version: 1\nstorage: {url: env:DB}", env=env).settings
    assert settings.storage.dsn == env["DB"]
    assert settings.storage.path is None
    assert "pg-secret" not in repr(settings)


@pytest.mark.parametrize("where", ["u@h:5433/db", "u:old@h:5433/db", "u@/db?host=one:5432&host=two:5432"])
def test_the_password_of_the_store_is_in_the_url_to_connect_with(where):
    text = f"version: 1\nstorage: {{url: 'postgresql+psycopg://{where}', password: env:PASSWORD}}"
    found = load_text(text, env={"PASSWORD": "p@s/s:w %r?d"}).settings
    url = make_url(found.storage.dsn)
    assert (url.username, url.password) == ("u", "p@s/s:w %r?d")
    assert url.set(password="old") == make_url(f"postgresql+psycopg://{where}").set(password="old")


def test_a_mailbox_outside_the_domains_warns():
    loaded = load_text("version: 1\nmailboxes: [{name: a, fromAddress: a@b.test}]")
    assert [str(w) for w in loaded.warnings if w.key.startswith("mailboxes")] == [
        "gatepost.yaml:2: mailboxes[0].fromAddress: b.test is not under domains; sending waits until it is verified"
    ]


def test_a_domain_without_postal_address_warns():
    warnings = [str(warning) for warning in load_text("version: 1\ndomains: [{domain: b.test}]").warnings]
    expected = "domains[0].physicalAddress: is missing; commercial mail of this domain will be refused"
    assert f"gatepost.yaml:2: {expected}" in warnings


@pytest.mark.parametrize(
    ("rules", "warned"),
    [
        ("suppression_check: off", "suppression_check.mode: is off; nothing protects recipients from such mail"),
        ("suppression_check: shadow", "suppression_check.mode: is shadow; nothing protects recipients from such mail"),
        ("tenant_active: {mode: warn}", "tenant_active.mode: is warn; pausing the tenant stops no mail"),
        (
            "warmup: {mode: enforce, ramp: [500, 100]}",
            "warmup.ramp: falls; each step should allow more than the one before",
        ),
        ("send_window: {zone: Europe/Berlin}", "send_window: is off unless switched on; add mode: enforce"),
    ],
)
def test_a_rule_that_does_not_do_what_the_author_may_think_warns(rules, warned):
    loaded = load_text(f"version: 1\npolicies: {{default: {{rules: {{{rules}}}}}}}")
    assert f"gatepost.yaml:2: policies.default.rules.{warned}" in [str(warning) for warning in loaded.warnings]


def test_parameters_of_a_rule_that_a_mailbox_switches_on_warn_of_nothing():
    text = "version: 1\npolicies: {default: {rules: {send_window: {zone: Europe/Berlin}}}}\nmailboxes:\n"
    text += "- {name: a, fromAddress: a@b.test, rules: {send_window: {mode: enforce}}}\n"
    assert not [w for w in load_text(text).warnings if "send_window" in str(w)]


def test_commands_that_need_no_secret_run_without_them():
    text = "version: 1\nhttp: {admin_key: env:NOPE}"
    with pytest.raises(ConfigError):
        load_text(text)
    loaded = load_text(text, need_secrets=False)
    assert any("env:NOPE" in warning.message for warning in loaded.warnings)
    assert loaded.settings.http.admin_key is not None
    with pytest.raises(SecretMissing, match="NOPE is not set"):
        loaded.settings.http.admin_key.reveal()


def test_ten_thousand_mailboxes_load(tmp_path):
    boxes = "\n".join(f"- {{name: box{n}, fromAddress: box{n}@b.test}}" for n in range(10_000))
    (tmp_path / "gatepost.yaml").write_text(f"version: 1\nmailboxes:\n{boxes}\n")
    assert len(load(tmp_path / "gatepost.yaml", {}).settings.mailboxes) == 10_000
