"""The deploy command: order, refusals, failures, and that it can be repeated."""

import json

import pytest

from tests.kubernetes.deployer import DIGESTS, Deployer

IMAGE = f"123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop/dev/api@{DIGESTS['api']}"


def job_of(deployer: Deployer) -> str:
    jobs = [name for applied in deployer.applies() for name in applied if name.startswith("Job/")]
    assert len(set(jobs)) == 1
    return jobs[0].removeprefix("Job/")


def test_a_deploy_prepares_migrates_routes_and_rolls_out_in_this_order(deployer: Deployer) -> None:
    run = deployer.run()
    assert run.returncode == 0, run.stderr
    preparation, migration, routing, serving, working = deployer.applies()
    workload = [*serving, *working]
    assert working == ["Deployment/worker"]
    assert {"ServiceAccount/api", "ExternalSecret/app", "NetworkPolicy/deny-all"} <= set(preparation)
    assert any(name.startswith("ConfigMap/settings-") for name in preparation)
    assert [name.partition("-")[0] for name in migration] == ["Job/migrate"]
    assert {"Ingress/api", "Service/api", "Service/postgres-service", "Service/redis-service"} <= set(routing)
    assert {name.partition("/")[0] for name in routing} == {"Ingress", "Service"}
    assert {"Deployment/api", "Deployment/worker", "HorizontalPodAutoscaler/api", "PodDisruptionBudget/api"} <= set(workload)
    assert not any(name.startswith(("Job/", "Namespace/")) for name in workload)
    waits = [call.arguments[1] for call in deployer.calls() if call.verb == "rollout"]
    assert {"deployment/api", "deployment/worker"} <= set(waits) == {name.lower() for name in workload if name.startswith("Deployment/")}


def test_the_contract_reaches_the_manifests_and_no_tracked_file_changes(deployer: Deployer) -> None:
    component = deployer.project / "deploy/components/contract/kustomization.yaml"
    before = component.read_bytes()
    assert deployer.run().returncode == 0
    text = "".join(call.text for call in deployer.calls())
    for value in (IMAGE, "db.example.internal", "cache.example.internal", "PUBLIC_URL: https://dev.example.com", "host: dev.example.com"):
        assert value in text
    assert ".invalid" not in text
    assert component.read_bytes() == before
    assert (deployer.project / ".deploy/dev/components/contract/kustomization.yaml").is_file()


def test_it_uses_the_contracts_cluster_and_not_the_callers(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    (path,) = {call.kubeconfig for call in deployer.calls()}
    config = json.loads((deployer.project / ".deploy/dev.kubeconfig.json").read_text(encoding="utf-8"))
    assert path == str(deployer.project / ".deploy/dev.kubeconfig.json")
    assert config["clusters"][0]["cluster"]["server"] == deployer.aws("eks").describe_cluster(name="shop-dev")["cluster"]["endpoint"]
    assert config["users"][0]["user"]["exec"]["args"][-1] == "shop-dev"


def test_the_kubeconfig_names_the_profile_that_made_it(deployer: Deployer) -> None:
    config = deployer.folder / "aws-config"
    config.write_text("[profile shop-admin]\nregion = eu-west-1\n", encoding="utf-8")
    deployer.environment |= {"AWS_PROFILE": "shop-admin", "AWS_CONFIG_FILE": str(config)}
    assert deployer.run("--dry-run").returncode == 0
    written = json.loads((deployer.project / ".deploy/dev.kubeconfig.json").read_text(encoding="utf-8"))
    assert written["users"][0]["user"]["exec"]["env"] == [{"name": "AWS_PROFILE", "value": "shop-admin"}]


def test_a_first_deploy_scales_once_and_a_later_one_leaves_the_count_alone(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    scaled = [call.arguments for call in deployer.calls() if call.verb == "scale"]
    assert scaled == [["deployment/api", "--replicas=3"], ["deployment/worker", "--replicas=2"]]
    deployer.forget_calls()
    deployer.holds(deployer.state | {"deployment/api": {}, "deployment/worker": {}})
    assert deployer.run().returncode == 0
    assert not [call for call in deployer.calls() if call.verb == "scale"]


def test_another_image_is_another_job(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    first = job_of(deployer)
    deployer.forget_calls()
    assert deployer.run(images=DIGESTS | {"migrate": f"sha256:{9:064x}"}).returncode == 0
    assert job_of(deployer) != first


def test_a_dry_run_changes_nothing(deployer: Deployer) -> None:
    run = deployer.run("--dry-run")
    assert run.returncode == 0, run.stderr
    assert {call.verb for call in deployer.calls()} == {"diff", "get"}
    assert "nothing would change" in run.stdout


def test_a_dry_run_prints_the_difference(deployer: Deployer) -> None:
    deployer.holds(deployer.state | {"diff": "-  maxReplicas: 10\n+  maxReplicas: 12"})
    run = deployer.run("--dry-run")
    assert run.returncode == 0, run.stderr
    assert "-  maxReplicas: 10\n+  maxReplicas: 12" in run.stdout
    (call,) = [call for call in deployer.calls() if call.verb == "diff"]
    # The diff covers everything that a deploy applies, except the Job, which is new each time.
    assert {"ExternalSecret/app", "Ingress/api", "Deployment/api", "HorizontalPodAutoscaler/api"} <= set(call.applied)
    assert not [name for name in call.applied if name.startswith(("Job/", "Namespace/"))]


def test_a_laptop_and_a_workflow_do_the_same(deployer: Deployer) -> None:
    empty, seen = deployer.state, []
    for run in ("", "4711"):
        deployer.environment["GITHUB_RUN_ID"] = run
        deployer.holds(empty)
        deployer.forget_calls()
        assert deployer.run().returncode == 0
        notes = ("create", "patch")
        seen.append([(call.verb, call.arguments, call.text) for call in deployer.calls() if call.verb not in notes])
    assert seen[0] == seen[1]
    assert len(seen[0]) > 10


def test_the_summary_names_the_digests(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    summary = (deployer.folder / "summary.md").read_text(encoding="utf-8")
    assert all(digest in summary for digest in DIGESTS.values())
    assert "https://dev.example.com" in summary


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"database_host": None, "jwt_secret": None}, "lacks database_host, jwt_secret"),
        ({"public_subnet_cidrs": []}, "unusable value for public_subnet_cidrs"),
        ({"database_port": "5432"}, "unusable value for database_port"),
        ({"version": 2}, "has version 2, and this deploy reads 1"),
        ({"environment": "production"}, "is the contract of shop in production"),
        ({"cluster_name": "elsewhere"}, "cannot describe the cluster elsewhere"),
    ],
)
def test_a_wrong_contract_is_refused_by_name(deployer: Deployer, values: dict[str, object], message: str) -> None:
    deployer.publish(**values)
    run = deployer.run()
    assert run.returncode == 1
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(deployer.calls())


def test_every_key_that_is_missing_is_named(deployer: Deployer) -> None:
    example = json.loads((deployer.project / "deploy/contract.example.json").read_text(encoding="utf-8"))
    others = {"version", "account_id", "database_master_secret_arn"}
    deployer.publish(**{name: None for name in example if name not in others})
    run = deployer.run()
    assert run.returncode == 1
    named = run.stderr.partition("lacks ")[2].partition(":")[0].split(", ")
    assert set(named) == set(example) - others
    assert not list(deployer.calls())


def test_a_region_whose_databases_the_images_cannot_verify_is_refused(deployer: Deployer) -> None:
    deployer.publish(region="ap-southeast-5")
    run = deployer.run()
    assert run.returncode == 1
    assert "deploy/certs/rds.pem lacks the roots of ap-southeast-5" in run.stderr
    assert not list(deployer.calls())


def test_a_missing_contract_is_named(deployer: Deployer) -> None:
    deployer.aws("ssm").delete_parameter(Name="/service/shop/dev/contract")
    run = deployer.run()
    assert run.returncode == 1
    assert "cannot read the contract /service/shop/dev/contract" in run.stderr


@pytest.mark.parametrize("reference", ["registry.example.com/api:latest", "latest", "sha256:123"])
def test_a_tag_is_refused(deployer: Deployer, reference: str) -> None:
    run = deployer.run(images=DIGESTS | {"api": reference})
    assert run.returncode == 1
    assert "--image-api takes a digest" in run.stderr


def test_a_setting_that_nobody_filled_in_is_refused(deployer: Deployer) -> None:
    (deployer.project / "deploy/overlays/dev/settings.env").write_text("LOG_LEVEL=INFO\n", encoding="utf-8")
    run = deployer.run()
    assert run.returncode == 1
    assert "SMTP_HOST: smtp.invalid" in run.stderr
    assert not list(deployer.calls())


def test_an_unknown_environment_is_refused(deployer: Deployer) -> None:
    parameters = deployer.aws("ssm")
    contract = json.loads(parameters.get_parameter(Name="/service/shop/dev/contract")["Parameter"]["Value"])
    value = json.dumps(contract | {"environment": "qa"})
    parameters.put_parameter(Name="/service/shop/qa/contract", Value=value, Type="String", Overwrite=True)
    run = deployer.run(environment="qa")
    assert run.returncode == 1
    assert "there is no environment qa; there is dev, production" in run.stderr
