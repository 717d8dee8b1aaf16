"""Checks of tenants, domains, mailboxes, credentials and policies."""

from collections.abc import Iterator

from config.binding import Location
from config.findings import Check, Finding, no_file, repeated, secret, warning
from config.names import did_you_mean
from config.rules import PolicyFields, RateLimits, Rules
from config.senders import Mailbox, whole_name
from config.settings import Settings
from policy.usage import WINDOWS

# What goes wrong where a rule is not enforced that protects others than its sender, or by which a person stops mail.
_LOST = dict.fromkeys(
    ("sender_identity", "domain_verified", "suppression_check", "message_form", "compliance_content"),
    "nothing protects recipients from such mail",
) | {
    "tenant_active": "pausing the tenant stops no mail",
    "mailbox_active": "pausing the mailbox stops no mail",
    "autonomy_level": "autonomyLevel holds no mail",
}


def tenants(settings: Settings) -> Iterator[Finding]:
    yield from repeated(
        ((("tenants", index, "name"), one.name) for index, one in enumerate(settings.tenants)),
        "tenants with the same name",
    )
    known = settings.tenant_names
    for kind in ("domains", "mailboxes"):
        for index, one in enumerate(getattr(settings, kind)):
            if one.tenant not in known:
                hint = did_you_mean(one.tenant, known)
                yield Finding((kind, index, "tenant"), f"unknown tenant {one.tenant}{hint}")


def domains(settings: Settings) -> Iterator[Finding]:
    declared = list(enumerate(settings.domains))
    yield from repeated(
        ((("domains", index, "domain"), one.domain) for index, one in declared), "entries for the same domain"
    )
    for index, one in declared:
        if not one.physical_address:
            message = "is missing; commercial mail of this domain will be refused"
            yield warning(("domains", index, "physical_address"), message)
        for name in ("key", "ed25519_key"):
            path = getattr(one.dkim, name)
            if path is not None and (why := no_file(path)):
                yield Finding(("domains", index, "dkim", name), f"{why}: {path}")


def mailboxes(settings: Settings) -> Iterator[Finding]:
    boxes = list(enumerate(settings.mailboxes))
    names = ((("mailboxes", i, "name"), whole_name(box.name, box.tenant)) for i, box in boxes)
    yield from repeated(names, "mailboxes with the same name")
    yield from repeated(
        (address for i, box in boxes for address in _addresses(i, box)), "mailboxes with the same address"
    )


def _addresses(index: int, box: Mailbox) -> Iterator[tuple[Location, str]]:
    yield ("mailboxes", index, "from_address"), box.from_address.lower()
    for number, alias in enumerate(box.aliases):
        yield ("mailboxes", index, "aliases", number), alias.lower()


def mailbox_domains(settings: Settings) -> Iterator[Finding]:
    owner = {one.domain: one.tenant for one in settings.domains}
    for index, box in enumerate(settings.mailboxes):
        for location, address in _addresses(index, box):
            domain = address.rpartition("@")[2]
            if domain not in owner:
                message = f"{domain} is not under domains; sending waits until it is verified"
                yield warning(location, message)
            elif owner[domain] != box.tenant:
                yield Finding(location, f"{domain} belongs to the tenant {owner[domain]}, not to {box.tenant}")


def credentials(settings: Settings) -> Iterator[Finding]:
    taken: list[tuple[Location, str]] = []
    for index, box in enumerate(settings.mailboxes):
        for number, one in enumerate(box.credentials):
            location: Location = ("mailboxes", index, "credentials", number)
            taken.append(((*location, "username"), one.username))
            yield from secret((*location, "password"), one.password, 12)
    yield from repeated(taken, "credentials with the same username")
    yield from _shadowing(settings, taken)


def _shadowing(settings: Settings, taken: list[tuple[Location, str]]) -> Iterator[Finding]:
    """A username that is another mailbox's name or address would be ambiguous."""
    for location, username in taken:
        own = settings.mailboxes[int(location[1])]
        for box in settings.mailboxes:
            if box is not own and username.lower() in (box.name.lower(), box.from_address.lower()):
                yield Finding(location, f"is the name or address of another mailbox: {username}")


def policies(settings: Settings) -> Iterator[Finding]:
    known = ["default", *(name for name in settings.policies if name != "default")]
    for index, box in enumerate(settings.mailboxes):
        if box.policy not in known:
            yield Finding(
                ("mailboxes", index, "policy"), f"unknown policy {box.policy}{did_you_mean(box.policy, known)}"
            )
    for location, fields in _layers(settings):
        yield from _twice((*location, "rate_limits"), fields.rate_limits, fields.rules)
        yield from _switched_off(location, fields)
        yield from _never_on(settings, location, fields)
        yield from _out_of_reach(settings, location, fields)
        yield from _falling(location, fields)
    yield from _short_form(settings)


def _layers(settings: Settings) -> Iterator[tuple[Location, PolicyFields]]:
    yield from ((("policies", name), one) for name, one in settings.policies.items())
    yield from ((("mailboxes", index), one) for index, one in enumerate(settings.mailboxes))


def _twice(location: Location, limits: RateLimits | None, rules: Rules | None, of: str = "") -> Iterator[Finding]:
    if limits is None or rules is None:
        return
    for window in WINDOWS:
        rule = getattr(rules, f"rate_limit_{window}")
        if rule is not None and "limit" in rule.model_fields_set and window in limits.model_fields_set:
            yield Finding((*location, window), f"is given twice, also as {of}rules.rate_limit_{window}.limit")


def _switched_off(location: Location, fields: PolicyFields) -> Iterator[Finding]:
    for name, lost in _LOST.items() if fields.rules is not None else ():
        rule = getattr(fields.rules, name)
        if rule is not None and rule.mode != "enforce":
            yield warning((*location, "rules", name, "mode"), f"is {rule.mode}; {lost}")


def _never_on(settings: Settings, location: Location, fields: PolicyFields) -> Iterator[Finding]:
    """A rule with parameters that is off by default, and that nothing in the file switches on or off."""
    for name in fields.rules.model_fields_set if fields.rules is not None else ():
        rule = getattr(fields.rules, name)
        if rule and rule.mode == "off" and rule.model_fields_set and not _has_mode(settings, name):
            yield warning((*location, "rules", name), "is off unless switched on; add mode: enforce")


def _has_mode(settings: Settings, name: str) -> bool:
    said = (getattr(fields.rules, name, None) for _, fields in _layers(settings))
    return any("mode" in rule.model_fields_set for rule in said if rule is not None)


def _out_of_reach(settings: Settings, location: Location, fields: PolicyFields) -> Iterator[Finding]:
    rule, most = getattr(fields.rules, "recipients_per_message", None), settings.smtp.max_recipients
    if rule is not None and rule.limit > most:
        message = f"is above smtp.max_recipients ({most}), which still limits mail by SMTP"
        yield warning((*location, "rules", "recipients_per_message", "limit"), message)


def _falling(location: Location, fields: PolicyFields) -> Iterator[Finding]:
    rule = getattr(fields.rules, "warmup", None)
    if rule is not None and list(rule.ramp) != sorted(rule.ramp):
        yield warning((*location, "rules", "warmup", "ramp"), "falls; each step should allow more than the one before")


def _short_form(settings: Settings) -> Iterator[Finding]:
    default = settings.policies.get("default")
    if settings.rate_limits is None or default is None:
        return
    yield from _twice(("rate_limits",), settings.rate_limits, default.rules, "policies.default.")
    if default.rate_limits is None:
        return
    for name in settings.rate_limits.model_fields_set & default.rate_limits.model_fields_set:
        yield Finding(("rate_limits", name), "is given twice, also in policies.default.rateLimits")


CHECKS: tuple[Check, ...] = (tenants, domains, mailboxes, mailbox_domains, credentials, policies)
