"""Every bad configuration is refused with one line that names file, line, key and what was meant."""

import pytest

from config.errors import ConfigError
from config.loader import load_text

BAD = [
    ("", "gatepost.yaml:1: version: is missing; write version: 1"),
    ("version: 2", "gatepost.yaml:1: version: must be 1, not the number 2"),
    ("- version: 1", "gatepost.yaml:1: must be a mapping that begins with version: 1"),
    (
        "version: 1\npolicies:\n  default:\n    rateLimits:\n      hourlly: 5",
        "gatepost.yaml:5: policies.default.rateLimits.hourlly: unknown key; did you mean hourly?",
    ),
    ("version: 1\nserver: {public-url: x}", "gatepost.yaml:2: server.public-url: unknown key; did you mean publicUrl?"),
    (
        "version: 1\nproviders: []",
        "gatepost.yaml:2: providers: unknown key; it belongs under deliveryConfig",
    ),
    ("version: 1\nzzz: 1", "gatepost.yaml:2: zzz: unknown key"),
    (
        "version: 1\ndns: {zzz: 1}",
        "gatepost.yaml:2: dns.zzz: unknown key; known are nameservers, timeout",
    ),
    (
        "version: 1\nsmtp:\n  max_recipients: 5\n  max_recipients: 6",
        "gatepost.yaml:4: smtp.max_recipients: is given twice, first in line 3",
    ),
    (
        "version: 1\nsmtp:\n  max_recipients: 5\n  maxRecipients: 6",
        "gatepost.yaml:4: smtp.maxRecipients: is given twice, also as max_recipients",
    ),
    (
        "version: 1\nattributionWindows:\n  trial_started: 5d\n  trialStarted: 6d",
        "gatepost.yaml:4: attributionWindows.trialStarted: is given twice, also as trial_started",
    ),
    (
        "version: 1\nsmtp:\n  maxRecipients: 5\n  max_recipients: 6",
        "gatepost.yaml:4: smtp.max_recipients: is given twice, also as maxRecipients",
    ),
    (
        "version: 1\nmailboxes: [{name: a, fromAddress: a@b.test, allowedClasses: [x]}]",
        "gatepost.yaml:2: mailboxes[0].allowedClasses[0]: must be transactional or commercial, not 'x'",
    ),
    (
        "version: 1\nsmtp: {max_recipients: many}",
        "gatepost.yaml:2: smtp.max_recipients: must be a whole number, not the text 'many'",
    ),
    (
        'version: 1\nsmtp: {max_recipients: "5"}',
        "gatepost.yaml:2: smtp.max_recipients: must be a whole number, not the text '5'",
    ),
    ("version: 1\nsmtp: {max_recipients: 0}", "gatepost.yaml:2: smtp.max_recipients: must be at least 1, not 0"),
    ("version: 1\nsmtp: [1]", "gatepost.yaml:2: smtp: must be a mapping, not a list"),
    ("version: 1\nsmtp: {listeners: 2525}", "gatepost.yaml:2: smtp.listeners: must be a list, not the number 2525"),
    (
        "version: 1\nsmtp: {listeners: [{bind: 2525}]}",
        (
            "gatepost.yaml:2: smtp.listeners[0].bind: is not host:port: '2525'; "
            'write it like "127.0.0.1:2525" or "[::1]:2525"'
        ),
    ),
    ("version: 1\nsmtp: {listeners: [{tls: none}]}", "gatepost.yaml:2: smtp.listeners[0].bind: is missing"),
    *(
        (
            f'version: 1\nhttp: {{bind: "{bind}"}}',
            f'gatepost.yaml:2: http.bind: is not host:port: {bind!r}; write it like "127.0.0.1:2525" or "[::1]:2525"',
        )
        for bind in ("[::1", "12:30:45", "[localhost]:80", "a]:80")
    ),
    *(
        (
            f"version: 1\nstorage: {{url: '{url}'}}",
            (
                "gatepost.yaml:2: storage.url: is not a database URL; write "
                "sqlite+aiosqlite:///./data/gatepost.db or postgresql+psycopg://user@host/db"
            ),
        )
        for url in (
            *("https://[", "postgresql+psycopg://u@[/db", "postgresql+psycopg://u@h:port/db"),
            *("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///"),
        )
    ),
    (
        "version: 1\nserver: {data_dir: ~nobody-here/data}",
        "gatepost.yaml:2: server.data_dir: ~nobody-here is not a home folder on this machine",
    ),
    (
        "version: 1\nhttp: {admin_key: file:~nobody-here/key}",
        ("gatepost.yaml:2: http.admin_key: file:~nobody-here/key: ~nobody-here is not a home folder on this machine"),
    ),
    (
        'version: 1\nserver: {data_dir: "a\\0b"}',
        "gatepost.yaml:2: server.data_dir: contains a control character",
    ),
    (
        'version: 1\nhttp: {admin_key: ""}',
        "gatepost.yaml:2: http.admin_key: literal: is empty; write env:NAME or file:/path",
    ),
    (
        "version: 1\nhttp: {operators: [{name: timeout, key: literal-0123456789}]}",
        "gatepost.yaml:2: http.operators[0].name: timeout is no person in records; use another name",
    ),
    (
        "version: 1\nhttp: {operators: [{name: a, key: key-0123456789ab}, {name: a, key: key-9876543210ab}]}",
        "gatepost.yaml:2: http.operators[1].name: two operators of the same name: a",
    ),
    (
        "version: 1\nhttp: {admin_key: key-0123456789ab, operators: [{name: a, key: key-0123456789ab}]}",
        "gatepost.yaml:2: http.operators[0].key: is the key of another operator too, or the admin key",
    ),
    (
        "version: 1\nrateLimits: {daily: 3000000000}",
        "gatepost.yaml:2: rateLimits.daily: must be at most 2147483647, not 3000000000",
    ),
    *(
        (
            f"version: 1\npolicies: {{default: {{rules: {{{rule}}}}}}}",
            f"gatepost.yaml:2: policies.default.rules.{wrong}",
        )
        for rule, wrong in (
            ("cooldown: 10", "cooldown: must be a mapping, not the number 10"),
            ("mixed: hold_all", "mixed: unknown key; it belongs beside rules"),
            ("rateLimits: {hourly: 3}", "rateLimits: unknown key; it belongs beside rules"),
            (
                "first_contact_limit: {limit: 9223372036854775808}",
                "first_contact_limit.limit: must be at most 2147483647, not 9223372036854775808",
            ),
            (
                'recipient_allowed: {block_addresses: ["*@evil.test"]}',
                (
                    "recipient_allowed.block_addresses[0]: has a wildcard, which lists do not have: '*@evil.test'; "
                    "list the domain instead"
                ),
            ),
            (
                'recipient_allowed: {domains: ["*.b.test"]}',
                ("recipient_allowed.domains[0]: has a wildcard: '*.b.test'; write '.b.test' for every domain below it"),
            ),
            (
                "recipient_domain_throttle: {mode: enforce, domains: {B.test: 5, b.test: 6}}",
                "recipient_domain_throttle.domains: names one domain twice, as B.test and b.test",
            ),
            (
                "recipient_domain_throttle: {mode: enforce, domains: 5}",
                "recipient_domain_throttle.domains: must be a mapping, not the number 5",
            ),
            (
                "send_window: {mode: enforce, zone: europe/berlin}",
                "send_window.zone: is not a time zone: 'europe/berlin'; did you mean Europe/Berlin?",
            ),
            (
                'content_safety: {canaries: ["         "]}',
                (
                    "content_safety.canaries[0]: is too short: a canary needs 8 characters, "
                    "or ordinary mail would contain it"
                ),
            ),
        )
    ),
    (
        "version: 1\nbounceHandling: {softBounces: {backoffMinutes: [5256000]}}",
        "gatepost.yaml:2: bounceHandling.softBounces.backoffMinutes[0]: must be at most 525600, not 5256000",
    ),
    (
        "version: 1\nsmtp: {bare_newline: normalise}",
        "gatepost.yaml:2: smtp.bare_newline: must be normalize or reject, not 'normalise'; did you mean normalize?",
    ),
    (
        "version: 1\nserver: {drain_timeout: 8}",
        "gatepost.yaml:2: server.drain_timeout: has no unit: write 8s, 8m, 8h or 8d",
    ),
    (
        "version: 1\nserver: {workers: two}",
        "gatepost.yaml:2: server.workers: must be a whole number, not the text 'two'",
    ),
    (
        "version: 1\nserver: {hostname: true}",
        'gatepost.yaml:2: server.hostname: must be text; put it in quotes: "true"',
    ),
    (
        'version: 1\nserver: {hostname: "a\\nb"}',
        "gatepost.yaml:2: server.hostname: contains a control character",
    ),
    (
        "version: 1\nsmtp:\n  max_message_size: 25 megs",
        (
            "gatepost.yaml:3: smtp.max_message_size: has an unknown unit of size: 'megs'; "
            "known are B, KiB, MiB, GiB and TiB"
        ),
    ),
    (
        "version: 1\nmailboxes:\n- {name: a, fromAddress: a@b.test}\n- {name: b, fromAddress: A@B.test}",
        "gatepost.yaml:4: mailboxes[1].fromAddress: two mailboxes with the same address: a@b.test",
    ),
    (
        "version: 1\nmailboxes:\n- {name: a, fromAddress: a@b.test}\n- {name: a, fromAddress: c@b.test}",
        "gatepost.yaml:4: mailboxes[1].name: two mailboxes with the same name: a",
    ),
    (
        "version: 1\nmailboxes: [{name: a, fromAdress: a@b.test}]",
        "gatepost.yaml:2: mailboxes[0].fromAdress: unknown key; did you mean fromAddress?",
    ),
    ("version: 1\nmailboxes: [{name: a}]", "gatepost.yaml:2: mailboxes[0].fromAddress: is missing"),
    (
        "version: 1\nmailboxes: [{name: a, fromAddress: sales}]",
        "gatepost.yaml:2: mailboxes[0].fromAddress: is not an address: 'sales'; write it like sales@yourcompany.com",
    ),
    (
        "version: 1\nmailboxes: [{name: a, fromAddress: a@b.test, policy: defualt}]",
        "gatepost.yaml:2: mailboxes[0].policy: unknown policy defualt; did you mean default?",
    ),
    (
        "version: 1\nmailboxes: [{name: a, fromAddress: a@b.test, tenant: acme}]",
        "gatepost.yaml:2: mailboxes[0].tenant: unknown tenant acme; known are default",
    ),
    (
        "version: 1\nmailboxes: [{name: a, fromAddress: a@b.test, credentials: [{username: u, password: env:NOPE}]}]",
        "gatepost.yaml:2: mailboxes[0].credentials[0].password: env:NOPE: the environment variable NOPE is not set",
    ),
    (
        "version: 1\nhttp: {admin_key: file:nowhere.key}",
        "gatepost.yaml:2: http.admin_key: file:nowhere.key: cannot be read: no such file or directory",
    ),
    (
        "version: 1\npolicies: {default: {rules: {cooldwon: {minutes: 1}}}}",
        "gatepost.yaml:2: policies.default.rules.cooldwon: unknown key; did you mean cooldown?",
    ),
    (
        "version: 1\npolicies: {default: {rules: {cooldown: {mode: on}}}}",
        "gatepost.yaml:2: policies.default.rules.cooldown.mode: must be enforce, warn, shadow or off, not 'on'",
    ),
    (
        "version: 1\npolicies: {default: {rules: {recipient_burst: {limit: -1}}}}",
        "gatepost.yaml:2: policies.default.rules.recipient_burst.limit: must be at least 0, not -1",
    ),
    (
        "version: 1\nrateLimits: {hourly: 1}\npolicies: {default: {rateLimits: {hourly: 2}}}",
        "gatepost.yaml:2: rateLimits.hourly: is given twice, also in policies.default.rateLimits",
    ),
    (
        "version: 1\ntenants: [{name: acme, rateLimits: {hourly: 1, onExceed: queue}}]",
        "gatepost.yaml:2: tenants[0].rateLimits.onExceed: unknown key; known are hourly, daily, monthly",
    ),
    (
        "version: 1\nrateLimits: {hourly: 1}\npolicies: {default: {rules: {rate_limit_hourly: {limit: 2}}}}",
        ("gatepost.yaml:2: rateLimits.hourly: is given twice, also as policies.default.rules.rate_limit_hourly.limit"),
    ),
    (
        "version: 1\ndeliveryConfig: {providers: [{name: a, provider: smtp, host: h, weight: -5}]}",
        "gatepost.yaml:2: deliveryConfig.providers[0].weight: must be at least 0, not -5",
    ),
    (
        'version: 1\nwebhooks: [{url: "https://h.test/", secret: env:S, events: [snd.*]}]',
        "gatepost.yaml:2: webhooks[0].events[0]: is not a type of event: 'snd.*'; did you mean send.*?",
    ),
    (
        'version: 1\nwebhooks: [{url: "https://h.test/", secret: env:S, events: [everything]}]',
        (
            "gatepost.yaml:2: webhooks[0].events[0]: is not a type of event: 'everything'; "
            'write it like send.held, delivery.* or "*"'
        ),
    ),
    (
        "version: 1\ndeliveryConfig: {providers: [{name: a, provider: postmrk}]}",
        "gatepost.yaml:2: deliveryConfig.providers[0].provider: unknown preset postmrk; did you mean postmark?",
    ),
    (
        "version: 1\ndeliveryConfig: {providers: [{name: a, provider: smtp}]}",
        "gatepost.yaml:2: deliveryConfig.providers[0].host: is missing, and the preset smtp has no host",
    ),
    (
        "version: 1\ndeliveryConfig: {providers: [{name: a, provider: postmark, tls: implicit, password: env:P}]}",
        (
            "gatepost.yaml:2: deliveryConfig.providers[0].tls: postmark does not offer implicit; "
            "use starttls, or set port"
        ),
    ),
    (
        "version: 1\ndelivery_config: {failover_triggers: [4xx_errors]}",
        (
            "gatepost.yaml:2: delivery_config.failover_triggers[0]: must be 5xx_errors, timeout or "
            "rate_limit_exceeded, not '4xx_errors'; did you mean 5xx_errors?"
        ),
    ),
    (
        'version: 1\nsmtp: {listeners: [{bind: "0.0.0.0:587"}]}',
        (
            "gatepost.yaml:2: smtp.listeners[0].tls: AUTH on 0.0.0.0:587 needs TLS; "
            "write tls: starttls, bind to 127.0.0.1, or allow_plaintext_auth: true"
        ),
    ),
    (
        'version: 1\nsmtp: {listeners: [{bind: "127.0.0.1:587", tls: starttls}]}',
        "gatepost.yaml:2: smtp.listeners[0].tls: starttls needs smtp.tls with certificate and key",
    ),
    (
        'version: 1\nsmtp: {listeners: [{bind: "127.0.0.1:8025"}]}',
        "gatepost.yaml:2: smtp.listeners[0].bind: two listeners on the same address: 127.0.0.1:8025",
    ),
    (
        'version: 1\ninbound: {listeners: [{bind: "127.0.0.1:2526"}]}',
        "gatepost.yaml:2: inbound.bounceDomain: is missing; it is the domain inbound.listeners accept mail for",
    ),
    (
        "version: 1\nstorage: {url: 'postgresql+psycopg://u@one:5432,two:5432/db'}",
        (
            "gatepost.yaml:2: storage.url: is not a database URL; "
            "write postgresql+psycopg://user@/db?host=one:5432&host=two:5432"
        ),
    ),
    (
        "version: 1\nstorage: {url: mysql://h/db}",
        (
            "gatepost.yaml:2: storage.url: is not a database URL; "
            "write sqlite+aiosqlite:///./data/gatepost.db or postgresql+psycopg://user@host/db"
        ),
    ),
    (
        "version: 1\ncosts: {per_email: -1}",
        "gatepost.yaml:2: costs.per_email: must be zero or more",
    ),
    (
        "version: 1\nattributionWindows: {trial_started: 7_dayz}",
        (
            "gatepost.yaml:2: attributionWindows.trial_started: has an unknown unit of time: 'dayz'; "
            "known are s, m, h, d and w"
        ),
    ),
    (
        "version: 1\nserver: !!python/name:os.system x",
        "gatepost.yaml:2: server: has the tag tag:yaml.org,2002:python/name:os.system; tags are not supported",
    ),
    (
        "version: 1\nserver: {secret_key: only-twenty-chars-xx}",
        (
            "gatepost.yaml:2: server.secret_key: is shorter than 32 octets and could be guessed; "
            "openssl rand -hex 32 makes one"
        ),
    ),
    (
        "version: 1\npolicies: {default: {rules: {consent_validation: {default_country: Germany}}}}",
        (
            "gatepost.yaml:2: policies.default.rules.consent_validation.default_country: is not a country: 'Germany'; "
            "write its two letters (ISO 3166) as DE, or EU, EEA, UK"
        ),
    ),
    ("version: 1\nserver: &a {hostname: *a}", "gatepost.yaml:2: server.hostname: refers to itself"),
    ("version: 1\nserver: " + "[" * 100_000, "gatepost.yaml:2: is nested too deep"),
]


@pytest.mark.parametrize(("text", "expected"), BAD, ids=[expected[14:70] for _, expected in BAD])
def test_bad_configuration_is_refused_in_one_line(text, expected, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_text(text, folder=tmp_path, env={"P": "token"})
    assert str(caught.value) == expected


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = "version: 1\nsmtp: {max_recipients: 0}\nserverr: {}\nhttp: {bind: nowhere}"
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]


def test_a_missing_file_and_a_binary_file_are_one_line_each(tmp_path):
    from config.loader import load

    with pytest.raises(ConfigError, match=r"absent\.yaml: no such file; gatepost init writes one$"):
        load(tmp_path / "absent.yaml", {})
    (tmp_path / "binary.yaml").write_bytes(b"version: 1\n\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.yaml:2: is not text in UTF-8$"):
        load(tmp_path / "binary.yaml", {})
    with pytest.raises(ConfigError, match=r"cannot be read: is a directory$"):
        load(tmp_path, {})


def test_aliases_of_aliases_do_not_exhaust_memory():
    lines = ["version: 1", "a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="becomes too large by its YAML aliases"):
        load_text("\n".join(lines))


def test_broken_yaml_is_named_with_its_line():
    with pytest.raises(ConfigError, match=r"^gatepost\.yaml:3: is not YAML: "):
        load_text("version: 1\nsmtp: {}\n  http: {}\n")
    with pytest.raises(ConfigError, match=r"^gatepost\.yaml:\d: is not YAML: "):
        load_text("version: 1\nsmtp: {")
    with pytest.raises(ConfigError, match=r"^gatepost\.yaml:2: is not YAML: "):
        load_text("version: 1\n---\nversion: 1")
