"""Templates at Meta: creates what is missing, never edits. A new wording is a new version and a new name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.whatsapp.client import Client
    from relay.whatsapp.texts import Texts


class CategoryError(RuntimeError):
    """Meta filed a template under a category that costs more."""


async def apply_templates(
    client: Client, texts: Texts, waba_id: str, prefix: str
) -> dict[tuple[str, str], str]:
    """Create every missing template in every language; return the status of each by (name, language).

    Raises SendError, and CategoryError if Meta does not take one as UTILITY.
    """
    known = {(one["name"], one["language"]): one for one in await client.templates(waba_id)}
    found = {}
    for template in texts.templates.values():
        for language in template.wordings:
            key = (prefix + template.name, language)
            answer = known.get(key) or await client.create_template(waba_id, template.graph(language, prefix))
            if answer.get("category") != template.category:
                raise CategoryError(
                    f"{key[0]} {language}: category={answer.get('category')!r}, want {template.category}"
                )
            found[key] = str(answer.get("status"))
    return found
