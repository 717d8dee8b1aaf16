"""Who may send: tenants, domains, mailboxes and their credentials."""

from typing import Annotated, Literal

from pydantic import Field

from config.rules import PolicyFields
from config.types import Count, Domain, FilePath, Lines, MailAddress, Name, SecretField, Section, Selector, Text

DEFAULT_TENANT = "default"
MailClass = Literal["transactional", "commercial"]
Autonomy = Literal["human_approved", "first_contact", "auto_send"]
Role = Literal["agent", "bulk"]
Verification = Literal["dns_txt", "cname", "trusted"]


def whole_name(name: str, tenant: str) -> str:
    """A mailbox's name with its tenant's, which may be left out only for the default: a name may exist in several."""
    return name if tenant == DEFAULT_TENANT else f"{tenant}/{name}"


class TenantLimits(Section):
    # Recipients an hour, over all its mailboxes together. Default no limit; 0 takes no mail. What becomes of mail
    # over a limit is decided by the sending mailbox's policy.
    hourly: Count | None = None
    # Likewise for a day.
    daily: Count | None = None
    # Likewise for a month.
    monthly: Count | None = None


class Tenant(Section):
    # Unique name. `default` always exists.
    name: Name
    # Limits over all mailboxes of the tenant together. Default none.
    rate_limits: TenantLimits | None = None


class Dkim(Section):
    # Selector of the first RSA key; the Ed25519 key has the same selector with an e. Default gp1.
    selector: Selector = "gp1"
    # RSA private key, PEM, of at least 2048 bits, as file:rsa.pem. Default: made at first start.
    key: FilePath | None = None
    # Ed25519 private key, PEM. Default: made at first start.
    ed25519_key: FilePath | None = None


class SendingDomain(Section):
    # The domain of From addresses.
    domain: Domain
    # The tenant it belongs to. Default: `default`.
    tenant: Name = DEFAULT_TENANT
    # How ownership is proven. dns_txt (default) or cname: sending waits for the record in DNS.
    # trusted: the operator of this file vouches for it.
    verification: Verification = "dns_txt"
    # Postal address in the footer of commercial mail. Without one commercial mail is refused.
    physical_address: Lines = ""
    # The keys that sign its mail.
    dkim: Dkim = Dkim()


class Credential(Section):
    # SMTP user name, unique in the installation.
    username: Name
    # Its password, at least 12 characters, as env:NAME or file:/path.
    password: SecretField


class Footer(Section):
    # Footer of commercial mail as text. Variables: {name}, {address}, {unsubscribe_url}.
    # Default: a plain one in the mailbox's language.
    text: Lines = ""
    # The same as HTML. Default: as text.
    html: Lines = ""


class Mailbox(PolicyFields):
    # Name, unique in its tenant; also a user name for SMTP.
    name: Name
    # The tenant it belongs to. Default: `default`.
    tenant: Name = DEFAULT_TENANT
    # The address it sends as.
    from_address: MailAddress
    # The name shown beside the address, and in the footer.
    from_name: Text = ""
    # Further addresses it may send as. Default none.
    aliases: tuple[MailAddress, ...] = ()
    # human_approved: external mail waits for a person. first_contact: it waits until something
    # was delivered to that recipient. auto_send (default): it goes.
    autonomy_level: Autonomy = "auto_send"
    # agent (default) or bulk, for which fan-out and bursts are normal.
    role: Role = "agent"
    # Classes of mail it may send. Default both.
    allowed_classes: Annotated[tuple[MailClass, ...], Field(min_length=1)] = ("transactional", "commercial")
    # Logins declared here; generated ones are added by `gatepost credential create`.
    credentials: tuple[Credential, ...] = ()
    # Its policy. Default: `default`. rules, rateLimits and options given beside it are exceptions from that policy,
    # for this mailbox only.
    policy: Text = "default"
    # Language of the footer and the unsubscribe page, as en or de. Default en.
    language: Annotated[Text, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")] = "en"
    # Templates of the footer.
    footer: Footer = Footer()
