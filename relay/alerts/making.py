"""Messages as they are stored: template, parameters, the whole text for an open window, buttons, picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.alerts import said
from relay.alerts.evidence import LONGEST
from relay.alerts.ids import message_id
from relay.alerts.page import fitted
from relay.alerts.said import about
from relay.alerts.threads import URGENT, known_ms, useful_ms
from relay.alerts.times import HOUR_MS
from relay.alerts.words import words
from relay.model import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from relay.alerts.evidence import Account
    from relay.alerts.page import Page
    from relay.alerts.setting import Setting
    from relay.model import Event, Person

DIGEST_LIVES_MS = 12 * HOUR_MS
OVER_LIVES_MS = 24 * HOUR_MS
BUTTONS, BUTTONS_OF_SEVERAL = ("ack", "snz", "fp"), ("ack", "snz")
# Kinds of a single animal whose evidence is what she does: a picture of her last days says more.
PICTURED = frozenset(
    {"heat", "silent_heat", "off_feed", "calving", "dystocia", "no_movement", "down", "cast", "lameness"}
)
_LIST = 500  # characters of a parameter that lists alerts
_BETWEEN = "; "


class Maker:
    """Makes the messages of one person at `now_ms`, in that person's language."""

    def __init__(self, setting: Setting, person: Person, now_ms: int) -> None:
        self._setting, self._person, self._now_ms = setting, person, now_ms
        self.catalogue = words(person.language)

    def account(self, event: Event) -> Account:
        """Return an event for telling."""
        return self._setting.account(event, self.catalogue, self._now_ms)

    def alert(self, event: Event, step: str, subject: str, lead: str = "") -> Message:
        """Return an alert, or what became of it: `subject` is the event that its story began with."""
        account = self.account(event)
        body = _template(account) | self._extras(account, step, lead)
        return self._message(subject, step, body, self._useful_until_ms([event], [step]), event)

    def escalation(self, event: Event, step: str, subject: str, lead: str) -> Message:
        """Return an alert for somebody who is told because nobody answers."""
        account = self.account(event)
        params = {
            "animal": account.who,
            "farm": self._setting.farm.name,
            "sign": account.seen,
            "since": account.since,
        }
        body = self._body("escalation", params) | self._extras(account, step, lead)
        return self._message(subject, step, body, self._useful_until_ms([event], [step]), event)

    def bundle(self, events: Sequence[Event]) -> Message:
        """Return one message for several alerts, most telling first."""
        return self._several(events, f"{said.BUNDLE}:{events[0].id}", [said.ALERT] * len(events))

    def together(self, told: Sequence[tuple[Event, str]], lead: str) -> Message:
        """Return one message for several events that are told anew, each with the step that it tells."""
        return self._several([event for event, _ in told], told[0][1], [step for _, step in told], lead)

    def escalations(self, told: Sequence[tuple[Event, str]], lead: str) -> Message:
        """Return one message for several alerts that nobody answers."""
        accounts = [self.account(event) for event, _ in told]
        first = min(accounts, key=lambda account: account.event.onset_ms)
        entries = [f"{account.who}: {account.sign}" for account in accounts]
        params = {
            "animal": self.catalogue.count("message", "alerts", len(told)),
            "farm": self._setting.farm.name,
            "sign": self._list(entries),
            "since": first.since,
        }
        steps = [step for _, step in told]
        body = self._body("escalation", params) | self._extras_of_several(accounts, steps, lead)
        events = [event for event, _ in told]
        return self._message(events[0].id, steps[0], body, self._useful_until_ms(events, steps), *events)

    def over(self, event: Event, subject: str) -> Message:
        """Return that an urgent story has come to a good end."""
        account = self.account(event)
        params = {
            "animal": account.who,
            "farm": self._setting.farm.name,
            "sign": account.sign,
            "since": account.moment(event.over_ms or self._now_ms),
        }
        text = self.catalogue.say("message", "back_to_normal", animal=account.who)
        body = {**self._body("back_to_normal", params), "text": text, "about": [about(event, said.OVER)]}
        return self._message(subject, said.OVER, body, self._now_ms + OVER_LIVES_MS)

    def digest(self, day: date, page: Page) -> Message:
        """Return the digest of a day."""
        farm = self._setting.farm
        params = {"farm": farm.name, "date": self.catalogue.day(day), "list": page.parameter}
        body = {**self._body("daily_digest", params), "text": page.text, "about": list(page.about)}
        step = f"{said.DIGEST}:{day}"
        return self._message(f"farm {farm.id}", step, body, self._now_ms + DIGEST_LIVES_MS)

    def _several(self, events: Sequence[Event], step: str, steps: Sequence[str], lead: str = "") -> Message:
        accounts = [self.account(event) for event in events]
        entries = [
            f"{account.who}: {account.sign}{f' ({account.window})' if account.window else ''}"
            for account in accounts
        ]
        params = {
            "farm": self._setting.farm.name,
            "count": str(len(events)),
            "list": self._list(entries),
        }
        body = self._body("several_alerts", params) | self._extras_of_several(accounts, steps, lead)
        return self._message(events[0].id, step, body, self._useful_until_ms(events, steps), *events)

    def _extras(self, account: Account, step: str, lead: str) -> dict[str, Any]:
        event = account.event
        extras: dict[str, Any] = {
            "text": f"{lead}\n{account.text()}".strip()[:LONGEST],
            "buttons": list(BUTTONS),
            "about": [about(event, step)],
        }
        if event.animal_id is not None and event.kind in PICTURED:
            picture = {"animal_id": event.animal_id, "kind": event.kind, "until_ms": self._now_ms}
            extras["picture"] = picture
        return extras

    def _extras_of_several(
        self, accounts: Sequence[Account], steps: Sequence[str], lead: str
    ) -> dict[str, Any]:
        told = zip(accounts, steps, strict=True)
        return {
            "text": self._text_of_several(accounts, lead),
            "buttons": list(BUTTONS_OF_SEVERAL),
            "about": [about(account.event, step) for account, step in told],
        }

    def _text_of_several(self, accounts: Sequence[Account], lead: str) -> str:
        """Return all that is to say of each; if that is too much, a line of each and what to do."""
        whole = "\n\n".join([*([lead] if lead else []), *(account.text() for account in accounts)])
        if len(whole) <= LONGEST:
            return whole
        todo = list(dict.fromkeys(account.todo for account in accounts))
        short = [
            self.catalogue.say("digest", "alert", animal=account.who, sign=account.sign, since=account.since)
            for account in accounts
        ]
        top = "\n".join(part for part in (lead, *todo) if part)
        return "\n".join([top, *fitted(short, LONGEST - len(top) - 1, "\n", self.catalogue)])[:LONGEST]

    def _list(self, entries: Sequence[str]) -> str:
        return _BETWEEN.join(fitted(entries, _LIST, _BETWEEN, self.catalogue))

    def _useful_until_ms(self, events: Sequence[Event], steps: Sequence[str]) -> int:
        """Return until when a message is of use: news since it was known, what goes on since now."""
        return max(
            (known_ms(event) if step == said.ALERT else self._now_ms) + useful_ms(event, self._setting.kinds)
            for event, step in zip(events, steps, strict=True)
        )

    def _message(
        self, subject: str, step: str, body: dict[str, Any], expires_ms: int, *events: Event
    ) -> Message:
        """Return a message; `events`: those that its buttons judge, the first is the one they carry."""
        return Message(
            message_id(subject, self._person.id, step),
            self._setting.farm.id,
            self._person.id,
            events[0].id if events else None,
            step,
            body,
            self._now_ms,
            expires_ms,
            critical=any(event.tier == URGENT for event in events),
        )

    def _body(self, template: str, params: dict[str, str]) -> dict[str, Any]:
        return body_of(template, params, self.catalogue.language)


def body_of(template: str, params: dict[str, str], language: str) -> dict[str, Any]:
    """Return the body of a message that goes out as a template."""
    return {"template": template, "version": 1, "language": language, "params": params}


def _template(account: Account) -> dict[str, Any]:
    """Return the template for one alert: of heat if there is a time to act in, of the herd, or of health."""
    params = {"farm": account.farm.name, "since": account.since}
    if account.window:
        signs = account.evidence or account.catalogue.say("message", "no_figures")
        params |= {"animal": account.who, "signs": signs, "window": account.window}
        return body_of("heat_alert", params, account.catalogue.language)
    params["sign"] = account.seen
    if account.animal is None:
        return body_of("herd_alert", params, account.catalogue.language)
    return body_of("health_alert", params | {"animal": account.who}, account.catalogue.language)
