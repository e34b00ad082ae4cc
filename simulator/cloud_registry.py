"""The life of templates: made, reviewed, paused, disabled, put into another category, edited, deleted.

Sources: Meta, "Message templates", "Template management", "Template pausing" and the webhooks reference
(message_template_status_update, message_template_quality_update, template_category_update).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.cloud_errors import GraphError, need
from simulator.cloud_template import (
    APPROVED,
    CATEGORIES,
    DISABLED,
    PAUSED,
    PENDING,
    REJECTED,
    Template,
    handles_of,
    template_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.cloud_agenda import Agenda

DAY_MS = 24 * 3_600_000
_LOCKED_DAYS, _EDITS_A_DAY, _EDITS_A_MONTH, _MONTH_DAYS = 30, 1, 10, 30
_EXISTS, _DELETED_LATELY = 2388024, 2388023
_PROMOTION = re.compile(r"\b(discounts?|coupons?|sale|promo(tion)?|special offers?|buy now)\b", re.IGNORECASE)
_PAUSE = {"title": "FIRST_PAUSE", "description": "Low quality: people blocked or reported it."}
_FLAGGED = "FLAGGED"  # may still be sent
_EVENTS = (APPROVED, REJECTED, PENDING, PAUSED, DISABLED, _FLAGGED, "IN_APPEAL", "LIMIT_EXCEEDED")


@dataclass(slots=True)
class Registry:
    """The templates of one account.

    review: the status a new or edited one gets, at once or after `review_ms`; "PENDING" leaves it to
    `decide`. categories: by name, what Meta thinks a template is. limit: how many the account may have.
    """

    agenda: Agenda
    tell: Callable[[str, dict[str, Any]], None]
    review: str = APPROVED
    review_ms: int = 0
    limit: int = 250
    templates: dict[tuple[str, str], Template] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    handles: set[str] = field(default_factory=set)
    _locked_ms: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    def create(self, spec: Any, *, silent: bool = False) -> Template:
        """Add a template from Graph's body; raises GraphError 100 if Meta would refuse it.

        Its category is what Meta thinks of it. silent: it is there from the start and nobody is told.
        """
        if silent:
            self.handles.update(handles_of(spec))
        made = template_of(spec, f"{700_000_000_000 + self._made}", self.handles)
        if (made.name, made.language) in self.templates:
            raise GraphError(100, f"{made.name} exists in {made.language}", subcode=_EXISTS)
        if self.agenda.clock.utc_ms < self._locked_ms.get(made.name, 0):
            raise GraphError(
                100, f"{made.name} was deleted within {_LOCKED_DAYS} days", subcode=_DELETED_LATELY
            )
        need(len(self.templates) < self.limit, 100, f"the account has {self.limit} templates")
        self._made += 1
        made.category, made.judged_s = self._category(made), self.agenda.clock.utc_ms // 1000
        self.templates[made.name, made.language] = made
        if silent:
            made.status = APPROVED
        else:
            self._submit(made)
        return made

    def edit(self, number: str, spec: dict[str, Any]) -> Template:
        """Replace what a template says; it is reviewed again. Raises GraphError 100."""
        template = self.by_id(number)
        now_ms = self.agenda.clock.utc_ms
        need(template.status in {APPROVED, REJECTED, PAUSED}, 100, f"a template that is {template.status}")
        if template.status == APPROVED:
            today = [at for at in template.edited_ms if now_ms - at < DAY_MS]
            month = [at for at in template.edited_ms if now_ms - at < _MONTH_DAYS * DAY_MS]
            need(len(today) < _EDITS_A_DAY, 100, "an approved template: one edit in 24 hours")
            need(len(month) < _EDITS_A_MONTH, 100, f"an approved template: {_EDITS_A_MONTH} edits in 30 days")
        same = {"name": template.name, "language": template.language, "category": template.category}
        named = "NAMED" if template.named else "POSITIONAL"
        changed = template_of(
            {"components": template.components, "parameter_format": named, **spec, **same}, "", self.handles
        )
        template.components = changed.components
        template.edited_ms.append(now_ms)
        self._submit(template)
        return template

    def delete(self, name: str, number: str | None = None) -> None:
        """Delete a template in every language, or the one with that id. Raises GraphError 100."""
        gone = [one for one in self.templates.values() if one.name == name and number in {None, one.id}]
        need(gone, 100, f"no template {name}")
        for template in gone:
            del self.templates[template.name, template.language]
            if template.status == APPROVED:
                self._locked_ms[name] = self.agenda.clock.utc_ms + _LOCKED_DAYS * DAY_MS

    def by_id(self, number: str) -> Template:
        """Return the template with that id; raises GraphError 100."""
        found = next((one for one in self.templates.values() if one.id == number), None)
        if found is None:
            raise GraphError(100, f"Object with ID '{number}' does not exist")
        return found

    def find(self, name: str, language: str) -> Template:
        """Return a template that may be sent; raises GraphError 132001, 132015 or 132016."""
        template = self.templates.get((name, language))
        if template is None or template.status not in {APPROVED, PAUSED, DISABLED}:
            raise GraphError(132001, f"template name ({name}) does not exist in {language}")
        need(template.status != DISABLED, 132016, f"template {name} is disabled")
        need(template.status != PAUSED, 132015, f"template {name} is paused")
        return template

    def decide(self, name: str, language: str, status: str, reason: str = "NONE", pause_ms: int = 0) -> None:
        """Meta gives a template a status and says so. Raises LookupError or ValueError.

        pause_ms: after so long a paused one is reinstated; 0 leaves it paused.
        """
        template = self._known(name, language)
        if status not in _EVENTS:
            raise ValueError(f"status={status!r} is none of {_EVENTS}")
        was = template.status
        if status != _FLAGGED:
            template.status, template.reason = status, reason
        event = "REINSTATED" if status == APPROVED and was in {PAUSED, DISABLED} else status
        value: dict[str, Any] = {"event": event, **_about(template), "reason": reason}
        if status == PAUSED:
            value["other_info"] = _PAUSE
        self.tell("message_template_status_update", value)
        if status == PAUSED and pause_ms:
            until_ms = self.agenda.clock.utc_ms + pause_ms
            self.agenda.at(until_ms, lambda: self._reinstate(template))

    def recategorise(self, name: str, language: str, category: str) -> None:
        """Meta puts a template into another category and says so. Raises LookupError or ValueError."""
        template = self._known(name, language)
        if category not in CATEGORIES:
            raise ValueError(f"category={category!r} is none of {CATEGORIES}")
        before, template.category = template.category, category
        change = {"previous_category": before, "new_category": category}
        self.tell("template_category_update", {**_about(template), **change})

    def judge(self, name: str, language: str, quality: str) -> None:
        """People like a template more or less: GREEN, YELLOW, RED, UNKNOWN. Raises LookupError."""
        template = self._known(name, language)
        before, template.quality = template.quality, quality
        template.judged_s = self.agenda.clock.utc_ms // 1000
        change = {"previous_quality_score": before, "new_quality_score": quality}
        self.tell("message_template_quality_update", {**change, **_about(template)})

    def _category(self, template: Template) -> str:
        promotes = template.category == "UTILITY" and _PROMOTION.search(template.text("BODY"))
        return self.categories.get(template.name, "MARKETING" if promotes else template.category)

    def _submit(self, template: Template) -> None:
        verdict, name, language = self.review, template.name, template.language
        template.status = PENDING
        if verdict == PENDING:
            return
        if self.review_ms:
            due_ms = self.agenda.clock.utc_ms + self.review_ms
            self.agenda.at(due_ms, lambda: self._reviewed(template, verdict))
        else:
            self.decide(name, language, verdict, "NONE" if verdict == APPROVED else "INVALID_FORMAT")

    def _reviewed(self, template: Template, verdict: str) -> None:
        if template.status == PENDING and self.templates.get((template.name, template.language)) is template:
            reason = "NONE" if verdict == APPROVED else "INVALID_FORMAT"
            self.decide(template.name, template.language, verdict, reason)

    def _reinstate(self, template: Template) -> None:
        if template.status == PAUSED:
            self.decide(template.name, template.language, APPROVED)

    def _known(self, name: str, language: str) -> Template:
        template = self.templates.get((name, language))
        if template is None:
            raise LookupError(f"no template {name} in {language}")
        return template


def _about(template: Template) -> dict[str, Any]:
    # Meta writes the language with a hyphen here and with an underscore everywhere else.
    return {
        "message_template_id": int(template.id), "message_template_name": template.name,
        "message_template_language": template.language.replace("_", "-"),
    }  # fmt: skip
