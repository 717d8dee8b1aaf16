"""The whole configuration as one frozen value.

Attribute names are the file's keys in snake_case. Paths are absolute, secrets are resolved, and every default
is filled in: whoever holds a `Settings` needs neither the file nor the environment. `repr` shows no secret.
"""

from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from config.delivery import BounceHandling, DeliveryConfig
from config.policies import Layer, build, layer, limits_layer, spelled_out
from config.providers import ProviderSettings, complete
from config.reports import BRIEF_WINDOWS, Alerts, Approvals, Attribution, AttributionWindows, Costs, Webhook
from config.rules import Policy, RateLimits, laid_over
from config.senders import DEFAULT_TENANT, Mailbox, SendingDomain, Tenant
from config.server import Dns, Http, Queue, Retention, Server, Storage
from config.smtp import Inbound, Smtp
from config.types import Domain, Name, Section
from policy.settings import PolicySettings


class Settings(Section):
    # The version of this file's format: 1.
    version: Literal[1]
    # The process.
    server: Server = Server()
    # The database.
    storage: Storage = Storage()
    # Submission.
    smtp: Smtp = Smtp()
    # API, console, hooks, unsubscribe pages.
    http: Http = Http()
    # Resolvers.
    dns: Dns = Dns()
    # Domains from which mail is sent.
    domains: tuple[SendingDomain, ...] = ()
    # Tenants besides `default`, which always exists.
    tenants: tuple[Tenant, ...] = ()
    # Domains whose recipients need no approval; `.example.com` is not understood here. Default none.
    internal_domains: tuple[Domain, ...] = ()
    # The sending identities.
    mailboxes: tuple[Mailbox, ...] = ()
    # Named policies; `default` applies to every mailbox that names none.
    policies: dict[Name, Policy] = Field(default_factory=dict)
    # Short for policies.default.rateLimits.
    rate_limits: RateLimits | None = None
    # Providers and failover.
    delivery_config: DeliveryConfig = DeliveryConfig()
    # What bounces and complaints lead to.
    bounce_handling: BounceHandling = BounceHandling()
    # How long after a message an event is credited to it, by type of event. Types given here
    # are added to the four of the product (trial_started 7 d, meeting_booked 14 d, deal_closed
    # 30 d, churn_prevented 90 d).
    attribution_windows: AttributionWindows = BRIEF_WINDOWS
    # How credit is divided.
    attribution: Attribution = Attribution()
    # What sending costs.
    costs: Costs = Costs()
    # Bounces, complaints and mailto-unsubscribes by SMTP.
    inbound: Inbound = Inbound()
    # Held mail.
    approvals: Approvals = Approvals()
    # What needs a person.
    alerts: Alerts = Alerts()
    # Bounds of the queue.
    queue: Queue = Queue()
    # How long things are kept.
    retention: Retention = Retention()
    # Destinations of events.
    webhooks: tuple[Webhook, ...] = ()

    @cached_property
    def providers(self) -> tuple[ProviderSettings, ...]:
        """The providers with everything from their presets, including unconfigured ones."""
        return tuple(complete(entry, self.delivery_config.presets) for entry in self.delivery_config.providers)

    @cached_property
    def _policies(self) -> dict[str, PolicySettings]:
        return {}

    @cached_property
    def _boxes(self) -> dict[tuple[str, str], Mailbox]:
        return {(box.tenant, box.name): box for box in self.mailboxes}

    def policy_for(self, mailbox: Mailbox) -> PolicySettings:
        """The policy of a mailbox of the file, including the mailbox's own exceptions."""
        key = f"mailbox:{mailbox.tenant}/{mailbox.name}"
        if key not in self._policies:
            self._policies[key] = self.policy(mailbox.policy, layer(mailbox))
        return self._policies[key]

    def policy(self, name: str = "default", overrides: Layer | None = None) -> PolicySettings:
        """The policy of that name, for mailboxes that are not in the file. Raises KeyError if there is none."""
        if overrides is None and name in self._policies:
            return self._policies[name]
        layers = [*(said for _, said in self.sources(name)), *([overrides] if overrides else [])]
        built = build(layers)
        if overrides is None:
            self._policies[name] = built
        return built

    def with_change(self, name: str, change: Policy) -> "Settings":
        """The same settings, except that the named policy also says what `change` says, in whichever spelling."""
        known = spelled_out(self.policies.get(name, Policy()))
        return self._with({"policies": {**self.policies, name: laid_over(known, spelled_out(change))}})

    def with_part(self, part: "Settings") -> "Settings":
        """What `part` says, laid over these settings; `part` itself if it declares mailboxes, as a whole file does."""
        if "mailboxes" in part.model_fields_set:
            return part
        names = part.model_fields_set - {"policies", "rate_limits"}
        changed = self._with({name: getattr(part, name) for name in names})
        for name, policy in (("default", Policy(rate_limits=part.rate_limits)), *part.policies.items()):
            changed = changed.with_change(name, policy)
        return changed

    def _with(self, changes: dict[str, Any]) -> "Settings":
        changed = self.model_copy(update=changes)
        changed.__dict__.pop("_policies", None)  # the cached policies, which were built before the change
        return changed

    @property
    def tenant_names(self) -> list[str]:
        return [DEFAULT_TENANT, *(one.name for one in self.tenants)]

    @property
    def shows_certificate(self) -> bool:
        """Whether a listener uses TLS with the certificate of smtp.tls."""
        return any(one.tls != "none" for one in (*self.smtp.listeners, *self.inbound.listeners))

    @property
    def least_free_space(self) -> int:
        """Octets that must be free beside a SQLite file, so that there is room for a message of the largest size."""
        return max(self.storage.min_free_space, self.smtp.max_message_size * 3 // 2)

    def brings_keys_of(self, domain: str) -> bool:
        """Whether the file provides a DKIM key for this domain."""
        return any(d.domain == domain and (d.dkim.key or d.dkim.ed25519_key) for d in self.domains)

    def has_policy(self, name: str) -> bool:
        return name == "default" or name in self.policies

    def sources(self, name: str) -> list[tuple[str, Layer]]:
        """The layers of a policy, each with the place it comes from; later ones take precedence. Raises
        KeyError if there is none.
        """
        if not self.has_policy(name):
            raise KeyError(name)
        layers: list[tuple[str, Layer]] = [
            ("smtp.max_recipients", {"recipients_per_message": {"limit": self.smtp.max_recipients}})
        ]
        if self.rate_limits is not None:
            layers.append(("rateLimits", limits_layer(self.rate_limits)))
        named = dict.fromkeys(("default", name))
        return layers + [(f"policies.{key}", layer(self.policies[key])) for key in named if key in self.policies]

    def mailbox(self, name: str, tenant: str = "default") -> Mailbox | None:
        """The mailbox that the file declares under that name; None if there is none."""
        return self._boxes.get((tenant, name))
