"""Quotas of EC2, and whether SES has left its sandbox: what an account grants, by request."""

import json
from typing import Any

from moto.servicequotas.responses import ServiceQuotasResponse
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response

from tests.infrastructure.cloud.additions import adds_to

QUOTAS = {"L-0263D0A3": 5.0, "L-1216C47A": 32.0}
"""Elastic IPs and vCPUs; a new account has 5 and often fewer than 32."""
SES = {"ProductionAccessEnabled": False}

_get_service_quota = ServiceQuotasResponse.get_service_quota
urls.url_paths["{0}/v2/email/account$"] = SESV2Response.dispatch


@adds_to(ServiceQuotasResponse)
def get_service_quota(self: Any) -> str:
    code = json.loads(self.body).get("QuotaCode")
    if code in QUOTAS:
        return json.dumps({"Quota": {"QuotaCode": code, "Value": QUOTAS[code]}})
    return _get_service_quota(self)


@adds_to(SESV2Response)
def get_account(self: Any) -> str:  # noqa: ARG001  moto's signature
    return json.dumps({**SES, "SendingEnabled": True})
