"""Email addresses: validated, and stored in one form."""

from email_validator import EmailNotValidError, validate_email


def deliverable(address: str) -> str:
    """Return an address in its stored form: lower case, with the domain in ASCII (`xn--`).

    Raises ValueError for an invalid address, and for characters beyond ASCII before the `@`: those need SMTPUTF8 at
    every server on the way, which SES and many others do not support.
    """
    valid = validate_email(address.strip(), allow_smtputf8=False, check_deliverability=False, strict=True)
    return (valid.ascii_email or valid.normalized).lower()


def as_stored(address: str) -> str:
    """Return an address in its stored form. An invalid address, which no user has, is only converted to lower case."""
    try:
        return deliverable(address)
    except EmailNotValidError:
        return address.strip().lower()
