"""Wrong answers files, each with the only line that `sampan lint` has for it, after the name of the file.

The files of tests/generator/answers/invalid are linted too; these are the faults that Copier alone does not see, the names that a target
reserves, and answers that fit a question and not each other.
"""

from typing import Final

WRONG: Final = {
    # Names that a target reserves.
    "kube-system": ("service: kube-system", "service: choose system: Kubernetes reserves the namespace"),
    "default": ("service: default", "service: choose default-api: Kubernetes reserves the namespace"),
    "kube-public": ("service: kube-public", "service: choose public: Kubernetes reserves the namespace"),
    "security-group": ("service: sg-orders", "service: choose orders: AWS reserves sg-"),
    "platform-security-group": ("platform: join\nplatform_name: sg-shared", "platform_name: choose shared: AWS reserves sg-"),
    "bucket": ("service: amzn-s3-demo-orders", "service: choose orders: Amazon S3 reserves that start"),
    "platform-bucket": ("platform_name: sthree-shared", "platform_name: choose shared: Amazon S3 reserves that start"),
    "keda": ("service: keda", "service: choose keda-api: an add-on has the namespace"),
    "cert-manager": ("service: cert-manager", "service: choose cert-manager-api: an add-on has the namespace"),
    "external-secrets": ("service: external-secrets", "service: choose external-secrets-api: an add-on has the namespace"),
    "cloudwatch": ("service: amazon-cloudwatch", "service: choose amazon-cloudwatch-api: an add-on has the namespace"),
    "package": ("service: fastapi", "service: choose fastapi-api: the project installs that package"),
    # Keys.
    "unknown": ("colour: red\ntracing: true", "colour: unknown question. `sampan questions` lists all."),
    "near": ("db_instance_clas: db.t3.micro", "db_instance_clas: unknown question. Did you mean 'db_instance_class'?"),
    "hyphen": ("node-min: 2", "node-min: unknown question. Did you mean 'node_min'?"),
    "capital": ("Service: orders", "Service: unknown question. Did you mean 'service'?"),
    "computed": ("sizes: {}", "sizes: remove it: the template computes this value"),
    "twice": ("waf: true\nwaf: false", "waf: remove all but one of its 2 lines: only the last one counts"),
    "number-as-key": ("5: 6", "5: unknown question. `sampan questions` lists all."),
    # Types.
    "norway": ("project_name: no", "project_name: put the value in quotes: without them YAML reads false"),
    "number": ("project_name: 1.0e+3", "project_name: put the value in quotes: without them YAML reads 1000.0"),
    "octal": ("team: 0777", "team: put the value in quotes: without them YAML reads 511"),
    "date": ("description: 2026-11-28", "description: put the value in quotes: without them YAML reads 2026-11-28"),
    "nothing": ("owner_email:", "owner_email: write a value, or remove the line"),
    "list-for-text": ("service: [orders]", "service: write one line of text, not a list"),
    "quoted-number": ('db_storage_gb: "50"', "db_storage_gb: write 50 without quotes: in quotes it is text"),
    "quoted-truth": ('waf: "true"', "waf: write true without quotes: in quotes it is text"),
    "quoted-list": ('languages: "[en, id]"', "languages: write [en, id] without quotes: in quotes it is text"),
    "text-for-list": ("environments: production", "environments: write a list such as [dev, production]"),
    "mapping-for-list": ("languages: {en: true}", "languages: write a list such as [en, id]"),
    "decimal": ("cache_replicas: 1.5", "cache_replicas: choose 0 to 5"),
    "truth-for-number": ("log_retention_days: true", "log_retention_days: choose 30 or another of the choices"),
    "number-for-share": ("latency_objective: 99.5", "latency_objective: put the value in quotes: without them YAML reads 99.5"),
    # Values.
    "choice-near": ("aws_region: ap-southeast1", "aws_region: choose ap-southeast-1: ap-southeast1 is not one of the choices"),
    "choice-far": ("profile: gold", "profile: choose sandbox, startup, production or regulated"),
    "choice-of-two": ("cache_groups: three", "cache_groups: choose one or two"),
    "three-languages": ("languages: [en, xx]", "languages: choose from en, id, ms, th, vi, fil, zh"),
    # Answers that cannot be combined.
    "tls": ("profile: regulated", "domain: write a host such as api.example.com: profile regulated needs TLS"),
    "small-node": (
        "node_instance_type: t3.small",
        "node_instance_type: choose larger: a replica needs 256 MiB",
    ),
    "same-region": (
        "aws_region: ap-southeast-2\ndr_region: ap-southeast-2",
        "dr_region: choose another or none: it is the first region",
    ),
    "joined-nodes": (
        "platform: join\noff_hours_shutdown: nights-and-weekends",
        "off_hours_shutdown: choose none: a service that joins a platform owns no nodes",
    ),
    "three-gateways": ("az_count: 2\nnat_gateways: 3", "nat_gateways: choose 1 or 2"),
    "language-of-refused-list": ("languages: [th]\ndefault_language: th", "languages: add en, the source language: [en, id]"),
    "fewest-and-most": ("node_min: 7\nnode_max: 6", "node_max: choose 7 or more: node_min is 7"),
    "capacity": ("node_max: 3", "node_max: choose 5 or more, or larger nodes: 5000 mCPU do not fit in 4040"),
}
"""Text of the file, and the line. Each fault has one remedy, also where a later question depends on the refused answer."""
