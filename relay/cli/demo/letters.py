"""What the demo's agent writes: (subject, text) or (subject, text, HTML)."""

RECEIPT = (
    "Your receipt for order 1042",
    "Hi Ada,\n\nthank you for your order. We charged $48.00 to the card ending in 4242.\n\n"
    "Order 1042: 2 x field notebook, $48.00, paid\n\nAcme Billing\n",
    "<p>Hi Ada,</p><p>thank you for your order. We charged <b>$48.00</b> to the card ending in 4242.</p>"
    "<p>Order 1042: 2 x field notebook, $48.00, paid</p><p>Acme Billing</p>",
)
OFFER = (
    "20% off all annual plans this week",
    "Hi Ada,\n\nupgrade to an annual plan before Friday and save 20%. It is our biggest discount of the year, "
    "so do not miss it.\n\nSee the plans: https://acme.example/pricing\n\nMaya\n",
    "<p>Hi Ada,</p><p>upgrade to an annual plan before Friday and <b>save 20%</b>. It is our biggest discount of the "
    'year, so do not miss it.</p><p><a href="https://acme.example/pricing">See the plans</a></p><p>Maya</p>',
)
OFFER_AGAIN = (
    "Last chance: 30% off ends tonight",
    "Hi Ada,\n\nwe have raised the discount: 30% off every annual plan, but only until midnight. "
    "Claim your deal now: https://acme.example/deal\n\nMaya\n",
)
STATEMENT = (
    "Your November statement is ready",
    "Hello,\n\nyour account statement for November is ready. Balance due: $0.00. No action is needed.\n\nAcme Billing\n",
)
PITCH = (
    "Cutting your onboarding time in half",
    "Hi Dana,\n\nI saw that your team is hiring. Acme helps teams like yours cut onboarding time in half. "
    "Would you be open to a 15 minute demo on Thursday?\n\nBest,\nSarah Chen\n",
)
WIRE = (
    "Urgent wire transfer",
    "Ben,\n\nplease wire $25,000 to the account below before noon. I am in a meeting, so do not call.\n\nJane\n",
)
REMINDER = (
    "Your password reset code",
    "Your code is 481 204. It is valid for ten minutes. If you did not ask for it, ignore this message.\n",
)
REMINDER_AGAIN = (
    "Your new password reset code",
    "Your code is 930 117. It is valid for ten minutes. If you did not ask for it, ignore this message.\n",
)
INVOICE = (
    "Invoice 2026-118",
    "Hello Ben,\n\nplease find the details of invoice 2026-118 below. Amount due: $120.00, by December 15.\n\n"
    "Acme Billing\n",
)
FOLLOW_UPS = (
    (
        "Following up on the Acme proposal",
        "Hi Dana,\n\nI wanted to follow up on the Acme proposal I sent last week. Would you have 15 minutes on Thursday "
        "to go through the savings for your onboarding team?\n\nBest,\nMaya\n",
    ),
    (
        "Acme proposal: any thoughts?",
        "Hello Dana,\n\njust checking in on the proposal from Acme. Did you get a chance to look at the savings for "
        "your onboarding team? I'm happy to walk you through it in a short call this week.\n\nMaya\n",
    ),
    (
        "Quick nudge on Acme",
        "Hi Dana, bumping my note about Acme to the top of your inbox. If faster onboarding is still on your list, "
        "the proposal shows the savings for your team. Does Thursday work for a quick call?\n\nCheers,\nMaya\n",
    ),
    (
        "Your onboarding team and Acme",
        "Dear Dana,\n\nI have not heard back about the proposal, so I thought I would write once more. Acme speeds up "
        "onboarding for teams like yours and the savings looked promising. When could we have a call?\n\nMaya\n",
    ),
)
DIGESTS = {
    f"{team}@{team}.example": (
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


def leak(secret: str) -> tuple[str, str]:
    """A message that gives a credential away."""
    return (
        "Access for your integration",
        f"Hello Ben,\n\nhere are the settings you asked for.\n\nSMTP_HOST=127.0.0.1\nSMTP_PASSWORD={secret}\n\n"
        "Acme Billing\n",
    )
