"""What the demo's agent writes: subject and text, sometimes HTML as well."""

from typing import NamedTuple


class Letter(NamedTuple):
    """One message, without its address."""

    subject: str
    text: str
    html: str = ""


RECEIPT = Letter(
    "Your receipt for order 1042",
    """Hi Ada,

thank you for your order. We charged $48.00 to the card ending in 4242.

Order 1042: 2 x field notebook, $48.00, paid

Acme Billing
""",
    """<p>Hi Ada,</p>
<p>thank you for your order. We charged <b>$48.00</b> to the card ending in 4242.</p>
<p>Order 1042: 2 x field notebook, $48.00, paid</p>
<p>Acme Billing</p>
""",
)
SHIPPED = Letter(
    "Order 1042 has shipped",
    """Hi Ada,

order 1042 (2 x field notebook) has shipped. Tracking number: 1Z 999 AA1 01. It arrives on Thursday.

Acme Billing
""",
)
OFFER = Letter(
    "20% off all annual plans this week",
    """Hi Ada,

upgrade to an annual plan before Friday and save 20%. It is our biggest discount of the year, so do not miss it.

See the plans: https://acme.example/pricing

Maya
""",
    """<p>Hi Ada,</p>
<p>upgrade to an annual plan before Friday and <b>save 20%</b>. It is our biggest discount of the year,
so do not miss it.</p>
<p><a href="https://acme.example/pricing">See the plans</a></p>
<p>Maya</p>
""",
)
OFFER_AGAIN = Letter(
    "Last chance: 30% off ends tonight",
    """Hi Ada,

we have raised the discount: 30% off every annual plan, but only until midnight.
Claim your deal now: https://acme.example/deal

Maya
""",
)
STATEMENT = Letter(
    "Your November statement is ready",
    """Hello,

your account statement for November is ready. Balance due: $0.00. No action is needed.

Acme Billing
""",
)
PITCH = Letter(
    "Cutting your onboarding time in half",
    """Hi Dana,

I saw that your team is hiring. Acme helps teams like yours cut onboarding time in half.
Would you be open to a 15 minute demo on Thursday?

Best,
Sarah Chen
""",
)
WIRE = Letter(
    "Urgent wire transfer",
    """Ben,

please wire $25,000 to the account below before noon. I am in a meeting, so do not call.

Jane
""",
)
REMINDER = Letter(
    "Your password reset code",
    "Your code is 481 204. It is valid for ten minutes. If you did not ask for it, ignore this message.\n",
)
REMINDER_AGAIN = Letter(
    "Your new password reset code",
    "Your code is 930 117. It is valid for ten minutes. If you did not ask for it, ignore this message.\n",
)
INVOICE = Letter(
    "Invoice 2026-118",
    """Hello Ben,

please find the details of invoice 2026-118 below. Amount due: $120.00, by December 15.

Acme Billing
""",
)
FOLLOW_UPS = (
    Letter(
        "Following up on the Acme proposal",
        """Hi Dana,

I wanted to follow up on the Acme proposal I sent last week. Would you have 15 minutes on Thursday to go through
the savings for your onboarding team?

Best,
Maya
""",
    ),
    Letter(
        "Acme proposal: any thoughts?",
        """Hello Dana,

just checking in on the proposal from Acme. Did you get a chance to look at the savings for your onboarding team?
I'm happy to walk you through it in a short call this week.

Maya
""",
    ),
    Letter(
        "Quick nudge on Acme",
        """Hi Dana,

bumping my note about Acme to the top of your inbox. If faster onboarding is still on your list, the proposal
shows the savings for your team. Does Thursday work for a quick call?

Cheers,
Maya
""",
    ),
    Letter(
        "Your onboarding team and Acme",
        """Dear Dana,

I have not heard back about the proposal, so I thought I would write once more. Acme speeds up onboarding for teams
like yours and the savings looked promising. When could we have a call?

Maya
""",
    ),
)
DIGESTS = {
    f"{team}@{team}.example": Letter(
        f"Build report for {team}",
        f"The nightly build of {team} finished.\n\n{passed} tests passed, {failed} failed. Duration: {minutes} min.\n",
    )
    for team, passed, failed, minutes in (
        ("atlas", 1204, 0, 14),
        ("borealis", 311, 2, 4),
        ("cobalt", 877, 1, 9),
        ("delta", 52, 0, 1),
    )
}


def leak(secret: str) -> Letter:
    """A message that gives a credential away."""
    return Letter(
        "Access for your integration",
        f"""Hello Ben,

here are the settings you asked for.

SMTP_HOST=127.0.0.1
SMTP_PASSWORD={secret}

Acme Billing
""",
    )
