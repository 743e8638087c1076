"""Amazon SES: the sandbox of a new account."""

from collections.abc import Iterator

from ops.doctor.context import Context
from ops.doctor.finding import Finding, warning


def mail(context: Context) -> Iterator[Finding]:
    """Yield a finding while SES is in its sandbox."""
    if not context.aws("sesv2").get_account().get("ProductionAccessEnabled"):
        command = f"aws sesv2 put-account-details --region {context.region} --production-access-enabled"
        remedy = f"Request it: {command} --mail-type TRANSACTIONAL --website-url URL"
        problem = "SES is in its sandbox: email to addresses that are not verified is refused"
        yield warning("mail", problem, remedy, "mail-leaves-the-sandbox")
