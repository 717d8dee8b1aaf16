"""Whether the recipient wants it: suppressions and, for commercial mail, consent.

A suppression that binds all mail gives the reason `suppressed`, an unsubscribe that binds
only commercial mail `unsubscribed`: other mail to that recipient still passes. A refusal
based on a global suppression names neither date nor kind, since it may stem from another
tenant.
"""

from typing import Any

from policy.countries import code_of
from policy.decision import Reason
from policy.facts import RecipientFacts
from policy.moment import day, months_after
from policy.profiles import PROFILES, ConsentProfile
from policy.rules.case import PASSED, SKIPPED, Case, Finding, refuse, unread
from policy.settings import ConsentValidation
from policy.state import Consent, RecipientState, Suppression

_WORDS = {
    "hard_bounce": "bounced",
    "soft_bounce": "bounced repeatedly",
    "complaint": "complained",
    "unsubscribe": "unsubscribed",
    "manual": "suppressed by hand",
    "legal": "suppressed for legal reasons",
    "domain": "is at a domain suppressed since",
}


def suppression_check(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """12: no suppression binds this message for the recipient."""
    if known is None or known.suppressions is None:
        return unread("suppressions")
    if not known.suppressions:
        return PASSED
    binding = [s for s in known.suppressions if _binds(case, s)]
    if not binding:
        return PASSED
    return _suppressed(case, recipient, min(binding, key=_telling))


def _binds(case: Case, suppression: Suppression) -> bool:
    return case.commercial or _binds_all(case, suppression)


def _binds_all(case: Case, suppression: Suppression) -> bool:
    return suppression.kind != "unsubscribe" or case.settings.suppression_check.unsubscribe_binds_all


def _telling(suppression: Suppression) -> tuple[bool, bool, int]:
    """Sort key: first what may be told in full, then what binds all mail, then the oldest."""
    return (suppression.scope == "global", suppression.kind == "unsubscribe", suppression.since)


def _suppressed(case: Case, recipient: RecipientFacts, entry: Suppression) -> Finding:
    if entry.scope == "global":
        evidence: dict[str, Any] = {"scope": "global"}
        return refuse("suppressed", f"{recipient.address}", "never", "drop_recipient", evidence=evidence)
    evidence = {"scope": entry.scope, "kind": entry.kind, "since": day(entry.since)}
    reason: Reason = "suppressed" if _binds_all(case, entry) else "unsubscribed"
    detail = f"{recipient.address} {_WORDS.get(entry.kind, entry.kind)} {evidence['since']}"
    return refuse(reason, detail, "never", "drop_recipient", evidence=evidence)


def consent_validation(case: Case, recipient: RecipientFacts, known: RecipientState | None) -> Finding:
    """13: commercial mail has the consent that law or configuration requires."""
    if not case.commercial:
        return SKIPPED
    if known is None:
        return unread("consent")
    rule, consent = case.settings.consent_validation, known.consent
    evidence = _recorded(consent)
    missing = _missing(rule, consent, case.facts.now)
    if not missing:
        return Finding("passed", evidence)
    detail = f"{recipient.address}: {missing}"
    return refuse("no_consent", detail, "human", "get_consent", evidence=evidence)


def _recorded(consent: Consent | None) -> dict[str, str]:
    if consent is None:
        return {}
    shown = {"consent_date" if consent.granted else "revoked_date": day(consent.at)}
    if consent.basis:
        shown["basis"] = consent.basis
    return shown


def _missing(rule: ConsentValidation, consent: Consent | None, now: int) -> str:
    """What the consent lacks, as a clause; empty if none is required or it suffices."""
    if not rule.profiles and not rule.required:
        return ""
    if consent is not None and not consent.granted:  # a refusal counts in every country
        return f"consent revoked {day(consent.at)}"
    asking = [p for p in _applying(rule, consent) if p.consent == "opt_in"]
    if consent is None:
        return "no consent recorded" if rule.required or asking else ""
    return next((lack for p in asking if (lack := _lacking(p, consent, now))), "")


def _applying(rule: ConsentValidation, consent: Consent | None) -> list[ConsentProfile]:
    country = code_of((consent.jurisdiction if consent else "") or rule.default_country)
    profiles = [PROFILES[name] for name in rule.profiles]
    # If the recipient's country is unknown, any of the chosen laws may be the one that applies.
    return [p for p in profiles if not country or country in p.countries]


def _lacking(profile: ConsentProfile, consent: Consent, now: int) -> str:
    # Whoever relies on consent must be able to prove its basis: GDPR Art. 7(1); CASL s. 13.
    basis = consent.basis
    if not basis:
        return f"consent without a basis is not enough for {profile.name}"
    if basis not in profile.bases:
        return f"the basis {basis} is not enough for {profile.name}"
    months = dict(profile.expiry_months).get(basis)
    if months is not None and now >= (end := months_after(consent.at, months)):
        return f"the basis {basis} expired on {day(end)}"
    return ""
