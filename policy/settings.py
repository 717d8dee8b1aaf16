"""What an operator may say about each rule: one frozen value a rule, its defaults, its mode.

A `PolicySettings` is complete: whoever holds one needs no other source to judge a
message. The defaults here are the product's defaults, so `PolicySettings()` is the
safe policy of an installation that says nothing. Field names are the rules' names
in the order they are judged; the words of the YAML file are the same.

Nothing here is checked against ranges at run time: `config` does that where it can
still name file and line, from the bounds written beside each field.
"""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Literal

from policy.rule import Mode, Rule, bounded

OnExceed = Literal["reject", "hold", "queue"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ProfileName = Literal["can_spam", "ccpa", "casl", "gdpr"]


@dataclass(frozen=True, slots=True)
class TenantActive(Rule):
    """The kill switch of a tenant."""


@dataclass(frozen=True, slots=True)
class MailboxActive(Rule):
    """A mailbox paused by a person, by its own key, by the policy or for its reputation sends nothing."""


@dataclass(frozen=True, slots=True)
class SenderIdentity(Rule):
    """From, Sender and MAIL FROM are addresses the mailbox owns."""

    # A display name fit to deceive (another address in it, invisible or direction-changing characters, mixed scripts, a
    # look-alike of the mailbox's own name): flag it in the trace, or hold the message for a person. Default flag.
    suspicious_names: Literal["flag", "hold"] = "flag"


@dataclass(frozen=True, slots=True)
class DomainVerified(Rule):
    """The From domain's ownership is proven."""


@dataclass(frozen=True, slots=True)
class MessageForm(Rule):
    """The message is well formed and within bounds that every later parser relies on.

    The bounds of MIME and header can be drawn closer; what is read stays bounded in any case.
    """

    # Received fields before a message counts as a mail loop. Default 50, as Postfix has it.
    max_received: int = bounded(50, 1, 1000)
    # Depth of nested MIME parts. Default 100.
    max_nesting: int = bounded(100, 1, 100)
    # Number of MIME parts. Default 1,000.
    max_parts: int = bounded(1000, 1, 1000)
    # Bytes of the header block. Default 262,144 (256 KiB).
    max_header_bytes: int = bounded(262_144, 4096, 262_144)
    # Bytes of one header field, folded lines included. Default 65,536 (64 KiB).
    max_field_bytes: int = bounded(65_536, 1000, 65_536)
    # Number of header fields. Default 1,000.
    max_fields: int = bounded(1000, 20, 1000)


@dataclass(frozen=True, slots=True)
class MessageAmbiguous(Rule):
    """A message that readers would show differently is held for a person."""


@dataclass(frozen=True, slots=True)
class RecipientsPerMessage(Rule):
    """One message goes to no more recipients than this."""

    # Recipients of one message. Default: smtp.max_recipients (100).
    limit: int = bounded(100, 1, 1000)


@dataclass(frozen=True, slots=True)
class ContentClassification(Rule):
    """Transactional or commercial; fails when the mailbox's allowedClasses lack the class."""


@dataclass(frozen=True, slots=True)
class ComplianceContent(Rule):
    """Commercial mail can carry the footer, the address and the unsubscribe link it needs."""


@dataclass(frozen=True, slots=True)
class ContentSafety(Rule):
    """The relay's own credentials, keys of others and planted canaries do not leave."""

    # Texts planted where only a leak would bring them to light (in a prompt, a data base, a vault): a message that
    # contains one is refused. Default none. At least 8 characters each.
    canaries: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ContentQuality(Rule):
    """The message has no flaw that readers and spam filters hold against it, such as a name left to fill in."""

    # Default warn: such mail leaves, the trace names the flaw, and a person gets an alert.
    mode: Mode = "warn"
    # Flaws that do not count, as [false_answer, shortened_link]. Default none.
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientValid(Rule):
    """The recipient is an address that can receive mail."""

    # Ask DNS whether the recipient's domain exists and takes mail (null MX, RFC 7505).
    # Default false: one question to DNS a new domain, and the provider would tell anyway.
    check_mx: bool = False


@dataclass(frozen=True, slots=True)
class RecipientAllowed(Rule):
    """The recipient is on the allowlist, where there is one, and on no blocklist."""

    # Addresses that may be written to. With one here or in domains everybody else is refused. Default: everybody may.
    addresses: tuple[str, ...] = ()
    # Domains that may be written to; `.example.com` covers every domain below it.
    domains: tuple[str, ...] = ()
    # Addresses that may not be written to, whatever the lists above say.
    block_addresses: tuple[str, ...] = ()
    # Domains that may not be written to; `.example.com` covers every domain below it.
    block_domains: tuple[str, ...] = ()
    # Whether role accounts (abuse, postmaster, noreply, …) may be written to. Default allow.
    role_accounts: Literal["allow", "block"] = "allow"


@dataclass(frozen=True, slots=True)
class SuppressionCheck(Rule):
    """The recipient is on no suppression list that binds this mail."""

    # Whether an unsubscribe binds transactional mail too. Default false: commercial only.
    unsubscribe_binds_all: bool = False
    # Treat plus tags, and dots at Gmail, as the same person when a list is asked, and for what loop_detection, cooldown
    # and recipient_lease remember. Default true: whoever left as bob@gmail.com is not reached as b.o.b+x@gmail.com.
    fold_aliases: bool = True


@dataclass(frozen=True, slots=True)
class ConsentValidation(Rule):
    """Commercial mail goes only to who agreed, where a law or the operator asks for it."""

    # The laws to observe: can_spam, ccpa, casl, gdpr. Default none: consent is recorded, not asked for.
    profiles: tuple[ProfileName, ...] = ()
    # Ask for consent of every recipient of commercial mail. Default false: only where a profile asks.
    required: bool = False
    # The country (ISO 3166, two letters; or EU, EEA, UK) taken for a recipient whose own is not known.
    # Default unknown: every chosen profile that asks for consent then applies.
    default_country: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate(Rule):
    """The same message is sent once; a repeat gets the first answer."""

    # How long a dedupe key is remembered. Days, default 30.
    dedupe_key_days: int = bounded(30, 1, 365)
    # How long a client's Message-ID is remembered. Days, default 7.
    message_id_days: int = bounded(7, 1, 365)
    # How long the same content counts as the same message, for commercial mail and for mail
    # without a Message-ID of the client. Minutes, default 60; 0 switches the comparison off.
    content_minutes: int = bounded(60, 0, 10_080)
    # The same for transactional mail with a new Message-ID. Seconds, default 60.
    transactional_seconds: int = bounded(60, 0, 86_400)


@dataclass(frozen=True, slots=True)
class FanOut:
    """Near-duplicates of one commercial message to many, by a mailbox whose role is not bulk."""

    # A mode of its own. Default warn.
    mode: Mode = "warn"
    # Messages within the window. Default 50.
    limit: int = bounded(50, 1)
    # The window. Minutes, default 10.
    minutes: int = bounded(10, 1, 1440)


@dataclass(frozen=True, slots=True)
class LoopDetection(Rule):
    """One recipient does not get the same thing again and again, reworded or not."""

    # Near-duplicates that one recipient may get; the next one fails. Default 3.
    limit: int = bounded(3, 1, 1000)
    # The window. Hours, default 24.
    hours: int = bounded(24, 1, 168)
    # The mode for transactional mail. Default warn: notifications resemble one another.
    transactional_mode: Mode = "warn"
    # Pause the mailbox when the rule fails, until a person resumes it. Default false: the message
    # is refused and an alert raised.
    pause: bool = False
    # The same message to many recipients.
    fan_out: FanOut = FanOut()


@dataclass(frozen=True, slots=True)
class Cooldown(Rule):
    """A pause between commercial messages of one mailbox to one recipient."""

    # The wait between two commercial messages of a mailbox to one recipient. Minutes, default 10.
    minutes: int = bounded(10, 1, 525_600)
    # Whether transactional mail waits too. Default false.
    all_mail: bool = False


@dataclass(frozen=True, slots=True)
class RecipientLease(Rule):
    """One recipient hears from one mailbox of a tenant at a time."""

    # Default off. Switch it on where several agents of a tenant must not write to one person at once.
    mode: Mode = "off"
    # How long the mailbox that wrote first has a recipient to itself. Minutes, default 30.
    minutes: int = bounded(30, 1, 525_600)


@dataclass(frozen=True, slots=True)
class FirstContactLimit(Rule):
    """New recipients are met a limited number at a time."""

    # Recipients never written to before, within the window. Default 200.
    limit: int = bounded(200)
    # The window. Days, default 1.
    days: int = bounded(1, 1, 31)


@dataclass(frozen=True, slots=True)
class RecipientBurst(Rule):
    """A runaway agent is known by how many people it writes to at once."""

    # Distinct recipients of an agent mailbox within the window. Default 60.
    limit: int = bounded(60)
    # The window. Minutes, default 5.
    minutes: int = bounded(5, 1, 1440)


@dataclass(frozen=True, slots=True)
class RateLimit(Rule):
    """Recipients of a mailbox within an hour, a day or a month."""

    # Recipients in the window. 0 takes no mail, null sets no limit.
    limit: int | None = bounded(None)
    # What becomes of a message over the limit: reject (the client waits), hold (a person
    # decides), queue (it leaves when the window allows). Default reject.
    on_exceed: OnExceed = "reject"


@dataclass(frozen=True, slots=True)
class RecipientDomainThrottle(Rule):
    """Recipients of one domain within an hour."""

    # Default off. It shapes the queue and refuses nothing.
    mode: Mode = "off"
    # Recipients of one domain an hour. Default 1,000.
    limit: int = bounded(1000, 1)
    # Other limits for single domains, as `{example.com: 200}`.
    domains: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Warmup(Rule):
    """A new sending domain starts slowly."""

    # Default off. Switch it on for a sending domain without a history.
    mode: Mode = "off"
    # Recipients a day, step by step; after the last step there is no limit.
    ramp: tuple[int, ...] = (100, 500, 2000, 10_000)
    # How long each step lasts. Days, default 7.
    step_days: int = bounded(7, 1, 365)


@dataclass(frozen=True, slots=True)
class NegativeSignalBudget(Rule):
    """Too many bounces and complaints in a while stop the mailbox for a while."""

    # Bounces and complaints within the window. Default 50.
    limit: int = bounded(50, 1)
    # The window. Hours, default 24.
    hours: int = bounded(24, 1, 720)


@dataclass(frozen=True, slots=True)
class Reputation(Rule):
    """Rates in percent. Review and pause compare the Wilson lower bound (95 %), warn the plain rate."""

    # Sends before a warning is given. Default 50.
    warn_volume: int = bounded(50, 1)
    # Bounce rate that warns. Percent, default 2.
    warn_bounce_rate: float = bounded(2.0, 0, 100)
    # Complaint rate that warns. Percent, default 0.1.
    warn_complaint_rate: float = bounded(0.1, 0, 100)
    # Bounce rate that opens a review. Percent, default 2.
    review_bounce_rate: float = bounded(2.0, 0, 100)
    # Bounce rate that pauses the mailbox until a person lifts it. Percent, default 4.
    pause_bounce_rate: float = bounded(4.0, 0, 100)
    # Bounces below which nothing is reviewed or paused. Default 5.
    min_bounces: int = bounded(5, 1)
    # Complaint rate that opens a review. Percent, default 0.1.
    review_complaint_rate: float = bounded(0.1, 0, 100)
    # Complaint rate that pauses the mailbox until a person lifts it. Percent, default 0.3.
    pause_complaint_rate: float = bounded(0.3, 0, 100)
    # Complaints below which nothing is reviewed or paused. Default 3.
    min_complaints: int = bounded(3, 1)


@dataclass(frozen=True, slots=True)
class SendWindow(Rule):
    """Commercial mail leaves at decent hours."""

    # Default off. Commercial mail outside the window is scheduled, not refused.
    mode: Mode = "off"
    # Days on which commercial mail leaves. Default Monday to Friday.
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    # First minute of the day, as 09:00. Later than `end`: the window spans midnight. The same: it is open all day.
    start: str = "09:00"
    # Minute of the day at which the window closes, as 17:00.
    end: str = "17:00"
    # Time zone (IANA name) in which the hours are meant. Default UTC.
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class AutonomyLevel(Rule):
    """Mail of a mailbox that is human_approved or first_contact is held for a person."""


@dataclass(frozen=True, slots=True)
class Options:
    """How verdicts are told to a client (see the page on SMTP replies)."""

    # Message whose recipients got different verdicts at DATA. reject_all (default): nothing is sent. deliver_passing:
    # sent to the passing ones, a DSN for the rest. hold_all: a person decides.
    mixed: Literal["reject_all", "deliver_passing", "hold_all"] = "reject_all"
    # Recipient one too many. tempfail (default): 452, the first ones stay valid. reject_all: the message is refused at
    # DATA, so that no client sends to a part.
    over_rcpt: Literal["tempfail", "reject_all"] = "tempfail"
    # A held message. accept (default): 250 (held for approval). tempfail: 451, and sending it again asks for the state.
    hold_reply: Literal["accept", "tempfail"] = "accept"
    # Mail of a paused tenant or mailbox. 550 (default); 451: the client keeps it and tries again; hold: it is accepted
    # and waits for a person.
    pause_reply: Literal["550", "451", "hold"] = "550"
    # One refused RCPT fails the message at DATA. Default false.
    strict_recipients: bool = False
    # Longest wait that is told as a temporary refusal; a longer one is permanent. Default 24 h.
    max_tempfail: timedelta = timedelta(hours=24)

    @property
    def longest(self) -> int:
        """The longest wait, in seconds, that is told as a temporary refusal."""
        return int(self.max_tempfail.total_seconds())


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """The whole policy of one mailbox: every rule, in the order of judgement, and the options."""

    tenant_active: TenantActive = TenantActive()
    mailbox_active: MailboxActive = MailboxActive()
    sender_identity: SenderIdentity = SenderIdentity()
    domain_verified: DomainVerified = DomainVerified()
    message_form: MessageForm = MessageForm()
    message_ambiguous: MessageAmbiguous = MessageAmbiguous()
    recipients_per_message: RecipientsPerMessage = RecipientsPerMessage()
    content_classification: ContentClassification = ContentClassification()
    compliance_content: ComplianceContent = ComplianceContent()
    content_safety: ContentSafety = ContentSafety()
    content_quality: ContentQuality = ContentQuality()
    recipient_valid: RecipientValid = RecipientValid()
    recipient_allowed: RecipientAllowed = RecipientAllowed()
    suppression_check: SuppressionCheck = SuppressionCheck()
    consent_validation: ConsentValidation = ConsentValidation()
    duplicate: Duplicate = Duplicate()
    loop_detection: LoopDetection = LoopDetection()
    cooldown: Cooldown = Cooldown()
    recipient_lease: RecipientLease = RecipientLease()
    first_contact_limit: FirstContactLimit = FirstContactLimit()
    recipient_burst: RecipientBurst = RecipientBurst()
    rate_limit_hourly: RateLimit = RateLimit(limit=100)
    rate_limit_daily: RateLimit = RateLimit(limit=500)
    rate_limit_monthly: RateLimit = RateLimit(limit=3000)
    recipient_domain_throttle: RecipientDomainThrottle = RecipientDomainThrottle()
    warmup: Warmup = Warmup()
    negative_signal_budget: NegativeSignalBudget = NegativeSignalBudget()
    reputation: Reputation = Reputation()
    send_window: SendWindow = SendWindow()
    autonomy_level: AutonomyLevel = AutonomyLevel()
    options: Options = Options()

    def rules(self) -> tuple[tuple[str, Rule], ...]:
        """Each rule with its name, in the order of judgement."""
        return tuple((name, getattr(self, name)) for name in RULES)


RULES: tuple[str, ...] = tuple(entry.name for entry in fields(PolicySettings) if entry.name != "options")
