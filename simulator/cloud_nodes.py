"""Which fields Meta's objects have: what is told unasked, and what the fake knows of but leaves out.

Source: Meta, Graph API reference of the three kinds of objects.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A kind of object. default: fields told unasked; empty: fields that Meta has and the fake leaves out."""

    name: str
    default: tuple[str, ...]
    empty: frozenset[str]


NUMBER = Node(
    "WhatsAppBusinessPhoneNumber",
    (
        "display_phone_number", "verified_name", "quality_rating", "code_verification_status",
        "platform_type", "throughput",
    ),
    frozenset(
        {
            "conversational_automation", "quality_score", "webhook_configuration", "new_name_status",
            "is_on_biz_app", "is_preverified_number", "search_visibility", "certificate", "new_certificate",
            "eligibility_for_api_business_global_search", "last_onboarded_time", "country_code",
            "country_dial_code", "messaging_limit_tier",
        }
    ),
)  # fmt: skip
WABA = Node(
    "WhatsAppBusinessAccount",
    ("name", "timezone_id", "message_template_namespace", "currency"),
    frozenset(
        {
            "is_enabled_for_insights", "marketing_messages_lite_api_status", "on_behalf_of_business_info",
            "marketing_messages_onboarding_status", "subscribed_apps", "owner_business_info",
            "primary_funding_id", "disable_marketing_messages_on_cloud_api",
        }
    ),
)  # fmt: skip
TEMPLATE = Node(
    "WhatsAppMessageTemplate",
    ("name", "language", "category", "status", "parameter_format", "components"),
    frozenset(
        {
            "message_send_ttl_seconds", "correct_category", "previous_category", "library_template_name",
            "cta_url_link_tracking_opted_out", "sub_category", "degrees_of_freedom_spec",
        }
    ),
)  # fmt: skip
