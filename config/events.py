"""The types of events, as used by webhook destinations and readers of the API."""

from collections.abc import Mapping

from config.names import did_you_mean

# What may happen, and what it does not mean.
TYPES: Mapping[str, str] = {
    "send.queued": "taken and committed; it has not left",
    "send.held": "waits for a person",
    "send.scheduled": "taken, leaves later",
    "send.blocked": "refused by policy; nothing was stored to send",
    "send.approved": "a person let it go; it was checked again",
    "send.rejected": "a person or the approval's timeout refused it",
    "send.cancelled": "withdrawn before it left",
    "delivery.active": "an attempt began; the provider has not been asked yet",
    "delivery.deferred": "not now; it will be tried again",
    "delivery.delivered": "a provider took it; the recipient may still bounce it",
    "delivery.bounced": "refused for good by the recipient's side",
    "delivery.expired": "tried for too long, or the outcome stayed unknown",
    "delivery.uncertain": "the answer to the final dot was lost: maybe taken",
    "delivery.rejected": "policy changed its mind at departure",
    "delivery.queued": "back in the queue: nothing had begun",
    "delivery.scheduled": "released, leaves later",
    "delivery.cancelled": "withdrawn before it left",
    "delivery.reported": "the provider says the recipient's server took it",
    "delivery.opened": "an image was fetched, by a person or a scanner",
    "delivery.clicked": "a link was followed, by a person or a scanner",
    "delivery.complained": "the recipient called it spam",
    "delivery.unsubscribed": "the recipient wants no more",
    "suppression.created": "an address is refused from now on",
    "suppression.removed": "an address is no longer refused by this entry",
    "person.erased": "somebody's data was taken out; `digest` stands for the address",
    "mailbox.added": "a person added a mailbox; those of the configuration file are under `settings.changed`",
    "mailbox.changed": "a person or its key changed the mailbox",
    "mailbox.paused": "the mailbox sends nothing until a person resumes it",
    "mailbox.resumed": "the mailbox sends again",
    "tenant.paused": "the tenant sends nothing until a person resumes it",
    "tenant.resumed": "the tenant sends again",
    "provider.paused": "the provider gets nothing until it is resumed",
    "provider.resumed": "the provider gets mail again",
    "provider.recovered": "the provider that had failed takes mail again",
    "key.created": "a person made a key for a mailbox or a tenant",
    "key.revoked": "a key identifies nobody any more",
    "domain.added": "a person added a domain; its ownership is not proven yet",
    "domain.changed": "a person changed the domain",
    "domain.verified": "the domain's ownership is proven",
    "domain.failed": "the domain's proof is gone",
    "domain.key_rotating": "new DKIM keys wait for their records in DNS; the old ones sign",
    "domain.key_rotated": "DNS shows the new DKIM keys and they sign; the old ones sign no more",
    "alert.raised": "something a person should look at",
    "investigation.opened": "a complaint or alert waits to be looked into",
    "investigation.closed": "a person closed it with a note",
    "webhook.added": "a person added a destination",
    "webhook.changed": "a person changed a destination, or made it a new secret",
    "webhook.removed": "a person removed a destination",
    "webhook.disabled": "a destination failed for too long",
    "settings.changed": "the configuration file was read again, or at a start, with other settings",
}

GROUPS = tuple(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in TYPES))


def wanted(text: str) -> str:
    """The types to which `text` subscribes: one type, a whole group, or all. Raises ValueError for an unknown type."""
    if text == "*" or text in TYPES or text in GROUPS:
        return text
    meant = did_you_mean(text, [*TYPES, *GROUPS]) or '; write it like send.held, delivery.* or "*"'
    raise ValueError(f"is not a type of event: {text[:40]!r}{meant}")
