"""SES: signing keys and return path of an identity, and the settings of a configuration set as the API shapes them."""

import json
from typing import Any

from moto.ses.models import ConfigurationSet, EmailIdentity
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response

from tests.infrastructure.cloud.additions import adds_to, identifier

urls.url_paths["{0}/v2/email/identities/(?P<EmailIdentity>[^/]+)/mail-from$"] = SESV2Response.dispatch

_to_dict, _described, _init = ConfigurationSet.to_dict_v2, EmailIdentity.get_response_object, EmailIdentity.__init__


@adds_to(ConfigurationSet)
def to_dict_v2(self: Any) -> dict[str, Any]:
    """Moto wraps the sending options in themselves, and answers empty options where there are none."""
    described = {**_to_dict(self), "SendingOptions": self.enabled or {"SendingEnabled": True}}
    return {name: value for name, value in described.items() if value not in ({}, None)}


def _create(self: Any, *arguments: Any, **settings: Any) -> None:
    """An identity that is a domain has three signing keys; moto writes their time as text, and the API as a number."""
    _init(self, *arguments, **settings)
    self.dkim_attributes.pop("LastKeyGenerationTimestamp", None)
    self.mail_from = {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    if self.identity_type == "DOMAIN":
        self.dkim_attributes["Tokens"] = [identifier(32) for _ in range(3)]
        self.dkim_attributes["CurrentSigningKeyLength"] = self.dkim_attributes["NextSigningKeyLength"]


EmailIdentity.__init__ = _create  # type: ignore[method-assign]  # moto has no other place for it


def _with_return_path(self: Any) -> dict[str, Any]:
    described: dict[str, Any] = _described.fget(self)  # type: ignore[attr-defined]  # a property's own function
    return {**described, "MailFromAttributes": self.mail_from}


EmailIdentity.get_response_object = property(_with_return_path)  # type: ignore[assignment, method-assign]  # the same


@adds_to(SESV2Response)
def put_email_identity_mail_from_attributes(self: Any) -> str:
    identity = self.sesv2_backend.get_email_identity(self._get_param("EmailIdentity"))
    domain, behaviour = self._get_param("MailFromDomain"), self._get_param("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE"
    found = {"MailFromDomain": domain, "MailFromDomainStatus": "SUCCESS"} if domain else {}
    identity.mail_from = {**found, "BehaviorOnMxFailure": behaviour}
    return json.dumps({})


@adds_to(SESV2Response)
def list_tags_for_resource(self: Any) -> str:
    """Moto keeps an identity's tags under a name that its ARN does not have."""
    arn = self._get_param("ResourceArn").replace(":identity/", ":email-identity/")
    return json.dumps({"Tags": self.sesv2_backend.list_tags_for_resource(resource_arn=arn)})
