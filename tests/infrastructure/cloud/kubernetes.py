"""EKS: add-ons, access entries and Pod Identity associations, which moto does not know, and what its clusters and nodes forget."""

from typing import Any
from urllib.parse import unquote

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.eks import urls
from moto.eks.exceptions import ResourceNotFoundException
from moto.eks.models import EKSBackend
from moto.eks.responses import EKSResponse

from tests.infrastructure.cloud.additions import adds_to, body, held, identifier

CLUSTER = "{0}/clusters/(?P<name>[^/]+)"
for path in (
    "/access-entries$",
    "/access-entries/(?P<principalArn>.+)$",
    "/addons$",
    "/addons/(?P<addonName>[^/]+)$",
    "/addons/(?P<addonName>[^/]+)/update$",
    "/pod-identity-associations$",
    "/pod-identity-associations/(?P<associationId>[^/]+)$",
    "/updates/(?P<updateId>[^/]+)$",
):
    urls.url_paths[CLUSTER + path] = urls.response.dispatch

_create_cluster, _delete_cluster, _create_nodegroup = EKSResponse.create_cluster, EKSBackend.delete_cluster, EKSResponse.create_nodegroup


def _parts(response: Any, kind: str) -> dict[str, Any]:
    """Return a cluster's objects of a kind. Raises moto's error if the cluster does not exist."""
    cluster = response.eks_backend.describe_cluster(response._get_param("name"))
    return held(cluster, kind)


def _part(response: Any, kind: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _parts(response, kind).get(unquote(response._get_param(key)))
    if found is None:
        raise ResourceNotFoundException(
            clusterName=None, nodegroupName=None, fargateProfileName=None, addonName=None, message=f"No such {kind} found"
        )
    return found


def _arn(response: Any, kind: str, *names: str) -> str:
    return f"arn:aws:eks:{response.region}:{response.current_account}:{kind}/{'/'.join(names)}"


def _made() -> dict[str, Any]:
    return {"createdAt": utcnow(), "modifiedAt": utcnow()}


@adds_to(EKSResponse)
def create_cluster(self: Any) -> Any:
    """A cluster has a security group of EKS's own, says who may enter, and is in standard support when told so."""
    answer: Any = _create_cluster(self)
    cluster = answer.result["cluster"]
    network = dict(cluster.resources_vpc_config)
    ec2 = ec2_backends[self.current_account][self.region]
    vpc = ec2.get_subnet(network["subnetIds"][0]).vpc_id
    group = ec2.create_security_group(f"eks-cluster-sg-{cluster.name}-{identifier(8)}", "Made by EKS", vpc_id=vpc)
    cluster.resources_vpc_config = {"publicAccessCidrs": ["0.0.0.0/0"], **network, "vpcId": vpc, "clusterSecurityGroupId": group.id}
    cluster.kubernetes_network_config = {**cluster.kubernetes_network_config, "ipFamily": "ipv4"}
    access = self._get_param("accessConfig") or {}
    cluster.access_config = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True, **access}
    cluster.upgrade_policy = self._get_param("upgradePolicy") or {"supportType": "EXTENDED"}
    return answer


@adds_to(EKSBackend)
def delete_cluster(self: Any, name: str) -> Any:
    """With a cluster goes the group that EKS made for it."""
    cluster = _delete_cluster(self, name)
    ec2_backends[self.account_id][self.region_name].delete_security_group(group_id=cluster.resources_vpc_config["clusterSecurityGroupId"])
    return cluster


@adds_to(EKSResponse)
def create_nodegroup(self: Any) -> Any:
    """A node group keeps its update and repair settings, and has no disk of its own beside a launch template."""
    answer: Any = _create_nodegroup(self)
    group = answer.result["nodegroup"]
    group.update_config = self._get_param("updateConfig")
    group.remote_access = self._get_param("remoteAccess")
    group.node_repair_config = self._get_param("nodeRepairConfig")
    if group.launch_template:
        group.disk_size = None
    return answer


@adds_to(EKSResponse)
def describe_update(self: Any) -> ActionResult:
    """Every change is done at once."""
    return ActionResult({"update": {"id": self._get_param("updateId"), "status": "Successful", "type": "ConfigUpdate", "errors": []}})


@adds_to(EKSResponse)
def create_addon(self: Any) -> ActionResult:
    """An add-on, active at once, with its Pod Identity associations beside it."""
    cluster, name = self._get_param("name"), self._get_param("addonName")
    links = [_associate(self, link["serviceAccount"], link["roleArn"]) for link in self._get_param("podIdentityAssociations") or []]
    addon = {
        "addonVersion": "v1.0.0-eksbuild.1",
        "tags": {},
        **body(self, "addonName", "addonVersion", "serviceAccountRoleArn", "configurationValues", "tags"),
        **_made(),
        "addonArn": _arn(self, "addon", cluster, name, identifier()),
        "clusterName": cluster,
        "status": "ACTIVE",
        "health": {"issues": []},
        "podIdentityAssociations": [link["associationArn"] for link in links],
    }
    _parts(self, "addon")[name] = addon
    return ActionResult({"addon": addon})


@adds_to(EKSResponse)
def describe_addon(self: Any) -> ActionResult:
    return ActionResult({"addon": _part(self, "addon", "addonName")})


@adds_to(EKSResponse)
def list_addons(self: Any) -> ActionResult:
    return ActionResult({"addons": list(_parts(self, "addon"))})


@adds_to(EKSResponse)
def delete_addon(self: Any) -> ActionResult:
    """An add-on goes with its associations."""
    addon = _part(self, "addon", "addonName")
    del _parts(self, "addon")[addon["addonName"]]
    for arn in addon["podIdentityAssociations"]:
        _parts(self, "association").pop(arn.rsplit("/")[-1], None)
    return ActionResult({"addon": {**addon, "status": "DELETING"}})


@adds_to(EKSResponse)
def create_access_entry(self: Any) -> ActionResult:
    principal = self._get_param("principalArn")
    entry = {
        "kubernetesGroups": [],
        "tags": {},
        "type": "STANDARD",
        "username": principal,
        **body(self, "kubernetesGroups", "principalArn", "tags", "type", "username"),
        **_made(),
        "accessEntryArn": _arn(self, "access-entry", self._get_param("name"), "role", identifier()),
        "clusterName": self._get_param("name"),
    }
    _parts(self, "access entry")[principal] = entry
    return ActionResult({"accessEntry": entry})


@adds_to(EKSResponse)
def describe_access_entry(self: Any) -> ActionResult:
    return ActionResult({"accessEntry": _part(self, "access entry", "principalArn")})


@adds_to(EKSResponse)
def list_access_entries(self: Any) -> ActionResult:
    return ActionResult({"accessEntries": list(_parts(self, "access entry"))})


@adds_to(EKSResponse)
def delete_access_entry(self: Any) -> EmptyResult:
    entry = _part(self, "access entry", "principalArn")
    del _parts(self, "access entry")[entry["principalArn"]]
    return EmptyResult()


@adds_to(EKSResponse)
def associate_access_policy(self: Any) -> ActionResult:
    entry = _part(self, "access entry", "principalArn")
    scope = {"namespaces": [], **self._get_param("accessScope")}
    policy = {"policyArn": self._get_param("policyArn"), "accessScope": scope, "associatedAt": utcnow(), "modifiedAt": utcnow()}
    _parts(self, f"policy of {entry['principalArn']}")[policy["policyArn"]] = policy
    return ActionResult({"clusterName": entry["clusterName"], "principalArn": entry["principalArn"], "associatedAccessPolicy": policy})


@adds_to(EKSResponse)
def list_associated_access_policies(self: Any) -> ActionResult:
    entry = _part(self, "access entry", "principalArn")
    policies = list(_parts(self, f"policy of {entry['principalArn']}").values())
    return ActionResult({"clusterName": entry["clusterName"], "principalArn": entry["principalArn"], "associatedAccessPolicies": policies})


@adds_to(EKSResponse)
def disassociate_access_policy(self: Any) -> EmptyResult:
    entry = _part(self, "access entry", "principalArn")
    _parts(self, f"policy of {entry['principalArn']}").pop(unquote(self._get_param("policyArn")), None)
    return EmptyResult()


def _associate(response: Any, account: str, role: str, **others: Any) -> dict[str, Any]:
    name = f"a-{identifier()}"
    cluster = response._get_param("name")
    association = {
        "namespace": "kube-system",
        "tags": {},
        **others,
        **_made(),
        "associationArn": _arn(response, "podidentityassociation", cluster, name),
        "associationId": name,
        "clusterName": cluster,
        "roleArn": role,
        "serviceAccount": account,
    }
    _parts(response, "association")[name] = association
    return association


@adds_to(EKSResponse)
def create_pod_identity_association(self: Any) -> ActionResult:
    others = body(self, "namespace", "tags")
    return ActionResult({"association": _associate(self, self._get_param("serviceAccount"), self._get_param("roleArn"), **others)})


@adds_to(EKSResponse)
def describe_pod_identity_association(self: Any) -> ActionResult:
    return ActionResult({"association": _part(self, "association", "associationId")})


@adds_to(EKSResponse)
def list_pod_identity_associations(self: Any) -> ActionResult:
    return ActionResult({"associations": list(_parts(self, "association").values())})


@adds_to(EKSResponse)
def delete_pod_identity_association(self: Any) -> ActionResult:
    association = _part(self, "association", "associationId")
    del _parts(self, "association")[association["associationId"]]
    return ActionResult({"association": association})
