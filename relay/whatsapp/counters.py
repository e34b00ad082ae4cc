"""What WhatsApp counts, under /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Counters:
    """Counters of one app; without a registry they count for nobody."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.sends = Counter(
            "herdbell_whatsapp_sends",
            "Messages handed to the Cloud API, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.refusals = Counter(
            "herdbell_whatsapp_refusals", "Errors of the Cloud API, by its code", ["code"], registry=registry
        )
        self.breaker = Gauge(
            "herdbell_whatsapp_breaker_open",
            "1 while nothing can be sent until somebody acts",
            registry=registry,
        )
        self.version_days = Gauge(
            "herdbell_whatsapp_graph_version_days",
            "Days until the configured version of the Graph API ends; 36500 if no end is known",
            registry=registry,
        )
        self.webhooks = Counter(
            "herdbell_whatsapp_webhooks", "Webhook requests, by outcome", ["outcome"], registry=registry
        )
        self.items = Counter(
            "herdbell_whatsapp_webhook_items", "Items of webhooks, by outcome", ["outcome"], registry=registry
        )
