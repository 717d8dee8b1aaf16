"""The laws on commercial mail that a policy can be told to observe, as data.

A profile says which recipients it protects and what it requires before the
first commercial message. It is a machine-readable interpretation of the law,
cited article by article so that a person can check it; it is not legal advice.
"""

from typing import Literal

from msgspec import Struct

from policy.countries import EUROPE
from policy.settings import ProfileName

# Iceland, Liechtenstein and Norway apply the GDPR through the EEA agreement; the UK kept it.
EEA_AND_UK = (
    *("at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie", "it", "lt", "lu"),
    *("lv", "mt", "nl", "pl", "pt", "ro", "se", "si", "sk", "is", "li", "no", "gb"),
    # TFEU Art. 355(1), 355(4): parts of France and Finland that have codes of their own.
    *("gf", "gp", "mf", "mq", "re", "yt", "ax"),
)


class ConsentProfile(Struct, frozen=True):
    name: ProfileName
    # Countries (`policy.countries`, lower case) whose residents it protects.
    countries: tuple[str, ...]
    # opt_out: mail may be sent until the recipient objects. opt_in: only with one of `bases`.
    consent: Literal["opt_in", "opt_out"]
    # Bases of a consent entry that suffice.
    bases: tuple[str, ...]
    # Calendar months after which a basis expires; a basis not named here does not expire.
    expiry_months: tuple[tuple[str, int], ...] = ()


PROFILES: dict[ProfileName, ConsentProfile] = {
    profile.name: profile
    for profile in (
        ConsentProfile(
            name="can_spam",
            # 15 U.S.C. 7704(a)(3)-(5): opt-out, physical address; no consent before the first message
            countries=("us",),
            consent="opt_out",
            bases=(),
        ),
        ConsentProfile(
            name="ccpa",
            # Cal. Civ. Code 1798.120, 1798.135: right to opt out; no consent before the first message
            countries=("us",),
            consent="opt_out",
            bases=(),
        ),
        ConsentProfile(
            name="casl",
            # S.C. 2010, c. 23, s. 6(1), 10(1) express; 10(9), 10(10) implied: 24 months after business, 6 an inquiry
            countries=("ca",),
            consent="opt_in",
            bases=("express", "existing_business", "inquiry", "published_address"),
            expiry_months=(("existing_business", 24), ("inquiry", 6)),
        ),
        ConsentProfile(
            name="gdpr",
            # Directive 2002/58/EC Art. 13(1), 13(2) (existing customers); Regulation (EU) 2016/679 Art. 6, 7
            countries=(*EEA_AND_UK, *EUROPE),
            consent="opt_in",
            bases=("express", "existing_customer"),
        ),
    )
}

# Every basis that suffices under at least one profile.
BASES = tuple(dict.fromkeys(basis for profile in PROFILES.values() for basis in profile.bases))


def check_basis(basis: str) -> str:
    """Returns the word unchanged, even if empty; raises ValueError for a basis that no profile knows."""
    if basis and basis not in BASES:
        raise ValueError(f"is none of {', '.join(BASES)}: {basis[:40]!r}")
    return basis
