"""Pages behind the links in email messages, for services without a front end."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from app.accounts.problems import LinkRefused
from app.dependencies import SettingsDep
from app.kit.context import current_language
from app.kit.i18n import N_, translate
from app.kit.ratelimit import Limit, limited_by_address
from app.kit.templates import templates
from app.settings import Settings

router = APIRouter(
    prefix="/v1/auth/pages", include_in_schema=False, dependencies=[limited_by_address(Limit("pages", 120, 60))]
)

_FOLDER = Path(__file__).parent / "pages"
_MAILED = N_("If an account has this address, a mail is on its way.")


@dataclass(frozen=True, slots=True)
class Form:
    """The request that a form of a page sends, and its message of success. A field has a type, a name and a label."""

    path: str
    action: str
    done: str
    text: str = ""
    field: tuple[str, str, str] | None = None


_EMAIL = ("email", "email", N_("E-mail address"))
_PASSWORD = ("password", "password", N_("New password, at least 10 characters"))


@router.get("/verify-email")
async def verify_email_page(settings: SettingsDep) -> HTMLResponse:
    """Show the page that confirms an email address, or sends the link again."""
    return _page(
        settings,
        N_("Confirm your email address"),
        Form(
            "/v1/auth/verify-email",
            N_("Confirm address"),
            N_("Your address is confirmed."),
            text=N_("Please confirm that this address is yours."),
        ),
        Form("/v1/auth/verify-email/resend", N_("Send me a link"), _MAILED, field=_EMAIL),
    )


@router.get("/reset-password")
async def reset_password_page(settings: SettingsDep) -> HTMLResponse:
    """Show the page that sets a new password, or sends a link for it."""
    title = N_("Set a new password")
    return _page(
        settings,
        title,
        Form("/v1/auth/password/reset", title, N_("Your password was changed"), field=_PASSWORD),
        Form("/v1/auth/password/forgot", N_("Send me a link"), _MAILED, field=_EMAIL),
    )


@router.get("/change-email")
async def change_email_page(settings: SettingsDep) -> HTMLResponse:
    """Show the page that confirms a new address. Only a signed-in user can request another link."""
    return _page(
        settings,
        N_("Confirm your new email address"),
        Form(
            "/v1/auth/email/confirm",
            N_("Confirm address"),
            N_("Your email address was changed"),
            text=N_("Please confirm that this address is yours."),
        ),
    )


@router.get("/restore-email")
async def restore_email_page(settings: SettingsDep) -> HTMLResponse:
    """Show the page that restores a former address and sets a new password."""
    return _page(
        settings,
        N_("Restore your email address"),
        Form(
            "/v1/auth/email/restore",
            N_("Restore this address"),
            N_("Your email address was restored, and your password was changed."),
            field=_PASSWORD,
        ),
    )


def _page(settings: Settings, title: str, with_token: Form, without_token: Form | None = None) -> HTMLResponse:
    language, nonce = current_language(), secrets.token_urlsafe(16)
    content = (
        templates(_FOLDER)
        .get_template("page.html")
        .render(
            language=language,
            nonce=nonce,
            service=settings.service,
            prefix=settings.route_prefix,
            title=title,
            forms={"with-token": with_token} | ({"without-token": without_token} if without_token else {}),
            missing=LinkRefused.detail,
            failed=N_("A part of the service does not answer. Try again in a few seconds."),
            say=lambda message: translate(message, language),
        )
    )
    policy = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {
        "Content-Security-Policy": f"default-src 'none'; {policy}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(content, headers=headers)
