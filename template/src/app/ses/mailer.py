"""Hand mails to Amazon SES."""

import asyncio

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.kit.mail import Mail, MailError, encode_header
from app.ses.refusals import judged
from app.ses.settings import SesSettings

# The task that sends is repeated when this fails: two tries here are enough. Seconds.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class SesMailer:
    """The SESv2 API. boto3 blocks, so each call runs in a thread."""

    def __init__(self, settings: SesSettings) -> None:
        self._settings = settings
        self._client = boto3.client("sesv2", region_name=settings.aws_region or None, config=_CONFIG)

    async def send(self, mail: Mail) -> None:
        """Send one mail. Raises MailError, or MailRefused where SES refuses this message."""
        try:
            await asyncio.to_thread(self._client.send_email, **self._request(mail))
        except ClientError as error:
            fault = error.response["Error"]
            raise judged(fault["Code"], fault.get("Message", ""), mail, self._settings.mail_from) from error
        except BotoCoreError as error:
            raise MailError(str(error)) from error

    def _request(self, mail: Mail) -> dict[str, object]:
        request: dict[str, object] = {
            "FromEmailAddress": self._settings.mail_from,
            "Destination": {"ToAddresses": [mail.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": _subject(mail), "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": mail.text, "Charset": "UTF-8"},
                        "Html": {"Data": mail.html, "Charset": "UTF-8"},
                    },
                    "Headers": [
                        {"Name": "X-Mail-Key", "Value": mail.key},
                        {"Name": "Auto-Submitted", "Value": "auto-generated"},
                    ],
                }
            },
        }
        if self._settings.ses_configuration_set:
            request["ConfigurationSetName"] = self._settings.ses_configuration_set
        return request


def _subject(mail: Mail) -> str:
    """Return the subject. SES encodes non-ASCII text, but would pass an encoded word through unchanged."""
    return encode_header(mail.subject) if "=?" in mail.subject else mail.subject
