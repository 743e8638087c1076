"""AWS Backup: what a plan backs up, tags, and vaults that hold nothing yet."""

import json
from typing import Any
from urllib.parse import unquote

from moto.backup import urls
from moto.backup.responses import BackupResponse

from tests.infrastructure.cloud.additions import adds_to, held, identifier

MADE = 1_700_000_000
"""A time of day does not matter here: seconds since 1970."""

# moto's own pattern for a plan also matches these URLs, so they must come first.
_paths = dict(urls.url_paths)
urls.url_paths.clear()
urls.url_paths |= {
    "{0}/backup/plans/(?P<plan>[^/]+)/selections/?$": urls.response.dispatch,
    "{0}/backup/plans/(?P<plan>[^/]+)/selections/(?P<selection>[^/]+)$": urls.response.dispatch,
    "{0}/backup-vaults/(?P<vault>[^/]+)/recovery-points/$": urls.response.dispatch,
    **_paths,
}


@adds_to(BackupResponse)
def create_backup_selection(self: Any) -> str:
    made = {"SelectionId": identifier(), "BackupPlanId": self.uri_match["backupPlanId"], "CreationDate": MADE}
    held(self.backup_backend, "selection")[made["SelectionId"]] = {**made, "BackupSelection": json.loads(self.body)["BackupSelection"]}
    return json.dumps(made)


@adds_to(BackupResponse)
def get_backup_selection(self: Any) -> Any:
    selection = held(self.backup_backend, "selection").get(self.uri_match["selectionId"])
    if selection is None:
        return 404, {"status": 404, "x-amzn-ErrorType": "ResourceNotFoundException"}, json.dumps({"message": "no such selection"})
    return json.dumps(selection)


@adds_to(BackupResponse)
def list_backup_selections(self: Any) -> str:
    plan = self.uri_match["backupPlanId"]
    return json.dumps({"BackupSelectionsList": [s for s in held(self.backup_backend, "selection").values() if s["BackupPlanId"] == plan]})


@adds_to(BackupResponse)
def delete_backup_selection(self: Any) -> str:
    held(self.backup_backend, "selection").pop(self.uri_match["selectionId"], None)
    return json.dumps({})


@adds_to(BackupResponse)
def list_recovery_points_by_backup_vault(self: Any) -> str:
    """Backups are made by the night's job, which nobody runs here: a vault is empty."""
    self.backup_backend.describe_backup_vault(self.uri_match["backupVaultName"])
    return json.dumps({"RecoveryPoints": []})


@adds_to(BackupResponse)
def list_tags(self: Any) -> str:
    """Moto looks for a slash at the end of the path, which Terraform does not write."""
    arn = unquote(self.path.partition("/tags/")[2]).rstrip("/")
    return json.dumps({"Tags": self.backup_backend.list_tags(resource_arn=arn)})
