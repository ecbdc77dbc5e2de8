"""The register of texts: which may be used, for what, from when to when, and which disclosures and claims each bears."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Audience = Literal["customer", "third_party", "staff", "court"]
"""Who reads or hears it: the debtor, somebody who is asked for them, our own staff, a court."""
Kind = Literal["sms", "call", "email", "wechat", "letter", "visit", "court"]
COLLECTOR = ".collector"
"""The end of the name of a text's variant for those who collect for others (role third_party)."""
Id = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\w.:/-]+$")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Tag = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*$")]


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who approved this very text (an opaque id), on which date, and under which reference of the bank's files."""

    by: Id
    on: date
    reference: Id


class Validity(
    msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}, forbid_unknown_fields=True
):
    """Local dates, both included, on which a text may be used; no `to`: until further notice."""

    from_: date
    to: date | None = None


class Template(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """
    One text of one language: `digest` is the SHA-256 of its file, `version` what the bank calls it.

    `service` is the service that has the file. `tags` are the disclosures and claims that it bears, as the
    packs name them. `products` and `roles` are those it may be used for (none: all). Without `approval`
    it is known, but not used.
    """

    template: Id
    service: Id
    language: Id
    channel: Kind
    audience: Audience = "customer"
    version: Id
    digest: Digest
    tags: tuple[Tag, ...]
    products: tuple[Id, ...] = ()
    roles: tuple[Literal["first_party", "third_party"], ...] = ()
    approval: Approval | None = None
    valid: Validity

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: its name and its language."""
        return (self.template, self.language)

    def usable(self, on: date) -> bool:
        """Whether it is approved and in its time on the local date *on*."""
        return (
            self.approval is not None
            and self.valid.from_ <= on
            and (self.valid.to is None or on <= self.valid.to)
        )


class Registered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file templates.yaml: the languages in which texts are written (the first for all others), and the texts."""

    languages: Annotated[tuple[Id, ...], Meta(min_length=1)]
    templates: tuple[Template, ...]


class Registry:
    """
    The registered texts; immutable. `changed` names texts (name, language) whose file is not the approved one.

    A part of the scheduler's policy: registered() is its content, for the digest.
    """

    def __init__(
        self, registered: Registered, changed: Collection[tuple[str, str]] = frozenset()
    ) -> None:
        self._registered = registered
        self._changed = frozenset(changed)
        self._by_key: Mapping[tuple[str, str], Template] = {
            template.key: template for template in registered.templates
        }

    def registered(self) -> Registered:
        """Answer what the file says."""
        return self._registered

    def language(self, wanted: str) -> str:
        """Answer the language of the texts for somebody who speaks *wanted* (a BCP 47 tag).

        The same as the notifier's choose_language(): the exact one, else one of the family, else the first.
        """
        languages = self._registered.languages
        family = wanted.partition("-")[0].lower()
        fits = (name for name in languages if name.partition("-")[0] == family)
        return wanted if wanted in languages else next(fits, languages[0])

    def named(self, template: str, language: str, role: str = "") -> str:
        """Answer the name of the text to use: the collector's variant for role third_party, where there is one."""
        variant = template + COLLECTOR
        exists = (variant, self.language(language)) in self._by_key
        return variant if role == "third_party" and exists else template

    def find(self, template: str, language: str) -> Template | None:
        """Answer what is registered under this name for a speaker of *language*; None: nothing."""
        return self._by_key.get((template, self.language(language)))

    def tags(
        self,
        template: str,
        language: str,
        on: date,
        *,
        products: Collection[str] = (),
        role: str = "",
        channel: str = "",
    ) -> frozenset[str] | None:
        """
        Answer the disclosures and claims of a text that may be used on the local date *on*, else None.

        None, so not to be sent, where it is not registered, not approved, changed since its approval, out of
        its dates, or not meant for one of *products*, for *role* or by *channel* (each judged if given).
        """
        found = self.find(template, language)
        if found is None or found.key in self._changed or not found.usable(on):
            return None
        if found.products and not set(products) <= set(found.products):
            return None
        if found.roles and role and role not in found.roles:
            return None
        if channel and channel != found.channel:
            return None
        return frozenset(found.tags)
