"""Refusals of Amazon SES: whether a retry can help, and what a person can do about each.

Sources: the errors of SendEmail in the API reference of SES v2
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html) and "Amazon SES email sending errors"
(https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html).
"""

from email.utils import parseaddr

from app.kit.mail import Mail, MailError, MailRefused, quote

# These concern only this message: the account can send others.
_OF_THE_MESSAGE = {"BadRequestException", "MessageRejected"}
_NOT_VERIFIED = "address is not verified"
_SANDBOX = (
    "Amazon SES is in its sandbox and sends only to verified email addresses. Request production access, or verify the "
    'recipient: see "Mail leaves the sandbox" in docs/first-deployment.md.'
)
_SENDER = (
    "Amazon SES has not verified the sender in MAIL_FROM. Check its domain's DKIM records: "
    "aws sesv2 get-email-identity --email-identity DOMAIN."
)
# These need a person to resolve them. Until then, no message is sent.
_LASTING = {
    "AccountSuspendedException": (
        "AWS has ended this account's right to send. Answer the case that AWS Support opened about it."
    ),
    "NotFoundException": "Amazon SES does not know the configuration set. Check SES_CONFIGURATION_SET and its region.",
}
# These can pass without intervention: DNS is checked again, a pause ends, a quota is renewed.
_PASSING = {
    "LimitExceededException": "A quota of Amazon SES is used up. Request a higher one in Service Quotas.",
    "MailFromDomainNotVerifiedException": (
        "Amazon SES has not verified the sender's MAIL FROM domain. Check the MX record of that domain: "
        "aws sesv2 get-email-identity --email-identity DOMAIN."
    ),
    "SendingPausedException": (
        "Sending is paused, for the account or for the configuration set. Its reason stands on the account dashboard "
        "of the SES console; remove it there, then resume sending."
    ),
    "TooManyRequestsException": (
        "The sending rate or the daily quota of Amazon SES is used up (200 messages a day in the sandbox). Request a "
        "higher quota in Service Quotas."
    ),
}


def _named(sender: str, message: str) -> bool:
    """True if the sender or its domain is in the list of unverified identities that ends the message of SES."""
    address = parseaddr(sender)[1].lower()
    listed = {parseaddr(identity)[1].lower() for identity in message.rpartition(":")[2].split(",")}
    return bool(listed & {address, address.rpartition("@")[2]})


def judged(code: str, message: str, mail: Mail, sender: str) -> MailError | MailRefused:
    """Return the exception for an error of SendEmail. Its reason holds the remedy, then the words of SES."""
    said = f"SES: {code}: {quote(message, mail)}"
    if code == "MessageRejected" and _NOT_VERIFIED in message.lower():
        if _named(sender, message):
            return MailError(f"{_SENDER} {said}")
        return MailError(f"{_SANDBOX} {said}", lasting=True)
    if code in _OF_THE_MESSAGE:
        return MailRefused(f"Amazon SES refuses this message. {said}")
    if code in _LASTING:
        return MailError(f"{_LASTING[code]} {said}", lasting=True)
    return MailError(f"{_PASSING[code]} {said}" if code in _PASSING else said)
