"""Layers of policy: product, default, the named one, the mailbox."""

import pytest

from config.loader import load_text
from policy.countries import COUNTRIES, EUROPE
from policy.profiles import PROFILES
from policy.settings import RULES, Options, PolicySettings

NAMES = [
    "tenant_active",
    "mailbox_active",
    "sender_identity",
    "domain_verified",
    "message_form",
    "message_ambiguous",
    "recipients_per_message",
    "content_classification",
    "compliance_content",
    "content_safety",
    "content_quality",
    "recipient_valid",
    "recipient_allowed",
    "suppression_check",
    "consent_validation",
    "duplicate",
    "loop_detection",
    "cooldown",
    "recipient_lease",
    "first_contact_limit",
    "recipient_burst",
    "rate_limit_hourly",
    "rate_limit_daily",
    "rate_limit_monthly",
    "recipient_domain_throttle",
    "warmup",
    "negative_signal_budget",
    "reputation",
    "send_window",
    "autonomy_level",
]

LAYERS = """
version: 1
smtp: {maxRecipients: 50}
mailboxes:
- {name: plain, fromAddress: a@b.test}
- name: own
  fromAddress: c@b.test
  policy: strict
  rules: {cooldown: {minutes: 7}}
  rateLimits: {daily: null}
  pauseReply: 451
policies:
  default:
    rateLimits: {hourly: 50, on_exceed: queue}
    rules: {loop_detection: {fan_out: {limit: 9}}}
    mixed: hold_all
  strict:
    rateLimits: {hourly: 5}
    rules: {cooldown: {mode: warn, minutes: 60}, loop_detection: {fan_out: {mode: off}}}
"""


def test_the_rules_are_those_of_the_policy_in_its_order():
    assert list(RULES) == NAMES


def test_defaults_are_those_of_the_policy_page():
    policy = PolicySettings()
    off = [name for name, rule in policy.rules() if rule.mode == "off"]
    assert off == ["recipient_lease", "recipient_domain_throttle", "warmup", "send_window"]
    loop = policy.loop_detection
    assert (loop.limit, loop.hours, loop.transactional_mode) == (3, 24, "warn")
    assert (loop.fan_out.mode, loop.fan_out.limit, loop.fan_out.minutes) == ("warn", 50, 10)
    assert policy.warmup.ramp == (100, 500, 2000, 10_000)
    assert policy.options == Options()


def test_later_layers_win_field_by_field():
    settings = load_text(LAYERS).settings
    plain, own = map(settings.policy_for, settings.mailboxes)
    assert plain.rate_limit_hourly.limit == 50
    assert plain.rate_limit_daily.limit == 500
    assert plain.recipients_per_message.limit == 50
    assert own.rate_limit_hourly.limit == 5
    assert own.rate_limit_hourly.on_exceed == "queue"
    assert own.rate_limit_daily.limit is None
    assert (own.cooldown.mode, own.cooldown.minutes) == ("warn", 7)
    assert (own.loop_detection.fan_out.mode, own.loop_detection.fan_out.limit) == ("off", 9)
    assert (own.options.mixed, own.options.pause_reply) == ("hold_all", "451")


def test_mailboxes_made_later_take_a_named_policy_and_overrides():
    settings = load_text(LAYERS).settings
    tightened = settings.policy("strict", {"rate_limit_hourly": {"limit": 1}})
    assert tightened.rate_limit_hourly.limit == 1
    assert settings.policy("strict").rate_limit_hourly.limit == 5


LIMITS = [
    "rateLimits: {hourly: 7}",
    "policies: {default: {rateLimits: {hourly: 7}}}",
    "policies: {default: {rules: {rate_limit_hourly: {limit: 7}}}}",
]


@pytest.mark.parametrize("change", LIMITS)
@pytest.mark.parametrize("known", LIMITS)
def test_a_limit_that_changes_binds_however_it_and_the_old_one_are_spelled(known, change):
    before, after = (load_text(f"version: 1\n{text}\n").settings for text in (known.replace("7", "50"), change))
    assert before.with_part(after).policy().rate_limit_hourly.limit == 7


def test_a_policy_is_hashable_and_built_once():
    settings = load_text(LAYERS).settings
    box = settings.mailboxes[1]
    assert settings.policy_for(box) is settings.policy_for(box)
    assert hash(settings.policy_for(box)) != hash(settings.policy())


@pytest.mark.parametrize(("written", "read"), [("DE", "de"), ("uk", "gb"), ("EU", "eu"), ("EEA", "eea"), ('""', "")])
def test_a_country_is_one_of_iso_3166_or_one_of_europes_names(written, read):
    rules = f"rules: {{consent_validation: {{default_country: {written}}}}}"
    settings = load_text(f"version: 1\npolicies: {{default: {{{rules}}}}}\n").settings
    assert settings.policy().consent_validation.default_country == read


def test_profiles_protect_countries_there_are():
    named = {country for profile in PROFILES.values() for country in profile.countries}
    assert named - COUNTRIES == set(EUROPE)
    assert sorted(PROFILES) == ["can_spam", "casl", "ccpa", "gdpr"]
    assert {name for name, profile in PROFILES.items() if profile.consent == "opt_in"} == {"casl", "gdpr"}
