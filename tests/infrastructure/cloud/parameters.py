"""Parameter Store: AWS's own parameter of the newest AMI release for EKS nodes, which moto does not have."""

import re
from typing import Any

from moto.core.utils import utcnow
from moto.ssm.models import Parameter, ParameterDict

from tests.infrastructure.cloud.additions import adds_to

NEWEST = "20260923"
RELEASE = re.compile(r"/aws/service/eks/optimized-ami/(1\.\d+)/amazon-linux-2023/(?:x86_64|arm64)/standard/recommended/release_version")

# moto instantiates this class although two of its methods, which only CloudFormation calls, are abstract.
_parameter: Any = Parameter
_load = ParameterDict._check_loading_status


@adds_to(ParameterDict)
def _check_loading_status(self: Any, key: str) -> None:
    _load(self, key)
    release = RELEASE.fullmatch(str(key or ""))
    if release and not dict.__contains__(self, key):
        parameter = _parameter(
            account_id=self.account_id,
            name=key,
            value=f"{release[1]}.4-{NEWEST}",
            parameter_type="String",
            description=None,
            allowed_pattern=None,
            keyid=None,
            last_modified_date=utcnow(),
            version=1,
            data_type="text",
        )
        dict.__setitem__(self, key, [parameter])
