"""What every page needs, made once: desk, settings, seals, limits, worker processes, templates."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from portal.rates import RATES, Limiter, Rate, Table
from portal.sessions import Vault
from portal.uploads import MAX_FILE, Receiver
from portal.words import LANGUAGES, preferred, words
from portal.workers import Workers
from signing_core.certificate.registry import WorkspaceRegistry
from signing_core.certificate.scan import Judge
from signing_core.certificate.words import count, moment
from signing_core.desk import Desk, Origin, judging
from signing_core.trust import TrustStore
from signing_core.trust.workspace import of_workspace

HERE: Final = Path(__file__).parent
STATIC: Final = {
    "portal.css": "text/css; charset=utf-8",
    "signature.js": "text/javascript; charset=utf-8",
    "wait.js": "text/javascript; charset=utf-8",
    "camera.js": "text/javascript; charset=utf-8",
}
_DIGITS: Final = re.compile(r"[0-9a-f]{16,}|[0-9A-HJKMNP-TV-Z]{26}")
"""Digests and identifiers: shown in a font that tells 0 from O."""
_LANGUAGE_COOKIE: Final = "sealtrail-language"


class Site:
    def __init__(
        self,
        desk: Desk,
        *,
        rates: Mapping[str, Rate] | None = None,
        max_file: int = MAX_FILE,
        work_seconds: float = 60.0,
    ) -> None:
        self.desk = desk
        self.workspace = desk.workspace
        self.settings = desk.workspace.settings
        self.base_url = self.settings.base_url
        self.secure = self.base_url.startswith("https://")
        self.prefix = urlsplit(self.base_url).path
        """Of every path, when the pages do not stand at the root of their host; the proxy takes it off."""
        self.limiter = Limiter({**RATES, **(rates or {})}, Table(self.workspace.path / "portal-rates"))
        self.receiver = Receiver(max_file)
        registry, log = judging.Registry(self.workspace), judging.LogView(self.workspace)
        self.readers = Workers(self._trust, registry, log, processes=2, seconds=work_seconds, niceness=5)
        """For what comes in from outside: of lower priority than everything else here."""
        self.pages = Workers(self._trust, registry, log, processes=1, seconds=20)
        """For our own documents, so that no upload makes a party wait."""
        self.assets = {name: _fingerprint(HERE / "static" / name) for name in STATIC}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(languages=LANGUAGES, url=self.url, organisation=self.settings.organisation)
        self._templates.tests["digits"] = lambda value: bool(_DIGITS.fullmatch(str(value)))
        for template in self._templates.list_templates():
            self._templates.get_template(template)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.workspace.keys().server_key)

    def _trust(self) -> TrustStore:
        return of_workspace(self.workspace)

    @property
    def judge(self) -> Judge:
        """Judges QR codes by what this workspace believes and its register; what it means in words is said by the pages."""
        return Judge(self._trust(), registry=WorkspaceRegistry(self.workspace.engine))

    def url(self, path: str) -> str:
        return self.prefix + path

    def asset(self, name: str) -> str:
        return self.url(f"/static/{self.assets[name][0]}/{name}")

    def start(self) -> None:
        """What the first visitor should not wait for."""
        self.vault  # noqa: B018  opens the key ring
        self.readers.start()
        self.pages.start()

    def close(self) -> None:
        self.readers.close()
        self.pages.close()
        self.limiter.close()

    # Pages

    def language(self, request: Request, default: str | None = None) -> str:
        """Asked for by the switch, chosen before, liked by the browser, the party's own, the company's."""
        for wish in (request.query_params.get("lang"), request.cookies.get(_LANGUAGE_COOKIE)):
            if wish in LANGUAGES:
                return str(wish)
        return preferred(request.headers.get("accept-language", "")) or default or self.settings.language

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        language: str | None = None,
        scripts: tuple[str, ...] = (),
        connect: bool = False,
        camera: bool = False,
        here: str | None = None,
        **facts: Any,
    ) -> HTMLResponse:
        """A page in the reader's language, with a policy that allows what this page needs and nothing else."""
        lang = language or self.language(request)
        nonce = secrets.token_urlsafe(16)
        say = words(lang)

        def t(key: str, **values: Any) -> Markup:
            return escape(say[key]).format(**values)

        body = self._templates.get_template(template).render(
            t=t,
            lang=lang,
            nonce=nonce,
            here=here if here is not None else request.scope["path"],
            css=self.asset("portal.css"),
            css_integrity=self.assets["portal.css"][1],
            scripts=[(self.asset(name), self.assets[name][1]) for name in scripts],
            when=lambda at: moment(at, self.workspace.zone, lang),
            minute=lambda at: minute(at, self.workspace.zone, lang),
            clock=lambda at: at.astimezone(self.workspace.zone).strftime("%H:%M %Z"),
            count=lambda number: count(number, lang),
            form_token=self.vault.form_token,
            **facts,
        )
        response = HTMLResponse(body, status_code=status)
        response.headers["content-security-policy"] = _policy(nonce, bool(scripts), connect)
        response.headers["vary"] = "Accept-Language, Cookie"
        if camera:
            response.headers["permissions-policy"] = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(
                _LANGUAGE_COOKIE, lang, max_age=365 * 86400, secure=self.secure, httponly=True, samesite="lax"
            )
        return response

    def problem(
        self,
        request: Request,
        name: str,
        status: int,
        wait: float = 0,
        *,
        until: datetime | None = None,
        back: str | None = None,
    ) -> Response:
        """A page that says what is the matter and how to go on."""
        values: dict[str, Any] = {}
        if until is not None:
            values["until"] = until.astimezone(self.workspace.zone).strftime("%H:%M %Z")
        if wait:
            values["seconds"] = int(wait) + 1
        if request.scope["path"].startswith("/api/"):
            from portal.api import error

            return error(name, status, words("en"), values)
        response = self.page(
            request, "problem.html", status=status, name=name, values=values, back=back, here="/verify"
        )
        if wait:
            response.headers["retry-after"] = str(int(wait) + 1)
        return response


def minute(at: datetime, zone: tzinfo, language: str) -> str:
    """A time for people to keep to, with its offset: `25 Nov 2026, 13:50 (UTC+01:00)`."""
    day, _, rest = moment(at, zone, language).partition(", ")
    time, _, offset = rest.partition(" ")
    return f"{day}, {time[:5]} (UTC{offset if offset != '+00:00' else ''})"


def origin_of(request: Request) -> Origin:
    """From where a step was taken, for the audit log."""
    device = request.headers.get("user-agent", "")[:200]
    return Origin(ip=request.client.host if request.client else None, device=device or None)


def _policy(nonce: str, scripts: bool, connect: bool) -> str:
    parts = [
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    if scripts:
        parts += [f"script-src 'nonce-{nonce}'", "require-trusted-types-for 'script'"]
    if connect:
        parts.append("connect-src 'self'")
    return "; ".join(parts)


def _fingerprint(file: Path) -> tuple[str, str]:
    """For the address (so that it may be kept for ever) and for the integrity attribute."""
    import base64

    digest = hashlib.sha256(file.read_bytes()).digest()
    return digest.hex()[:16], "sha256-" + base64.b64encode(digest).decode()
