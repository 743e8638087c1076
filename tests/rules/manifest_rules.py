"""Every rule over the manifests that a service gives to a cluster."""

from tests.rules import manifest_rules_ingress, manifest_rules_pods
from tests.rules.manifest_rules_pods import PRODUCERS
from tests.rules.manifests import MANIFESTS, Environment

MODULES = (manifest_rules_ingress, manifest_rules_pods)
"""Imported for the rules that they register."""

__all__ = ["MANIFESTS", "MODULES", "PRODUCERS", "Environment"]
