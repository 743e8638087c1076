"""The manifests that an administrator applies once: by server-side apply, with a store that reads this service's secrets and no other's."""

import yaml

from tests.kubernetes.deployer import Deployer

READER = "arn:aws:iam::123456789012:role/shop-dev-secrets-reader"


def access(deployer: Deployer, *arguments: str) -> str:
    run = deployer.run(*arguments, command="access", images={})
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_store_reads_as_the_role_of_the_contract(deployer: Deployer) -> None:
    """Issue 11, 13: one operator serves a shared platform, and who may write a store chooses whose secrets it reads."""
    deployer.publish(secrets_reader_role_arn=READER)
    access(deployer)
    documents = [each for call in deployer.calls() if call.verb == "apply" for each in yaml.safe_load_all(call.text)]
    (store,) = [each for each in documents if each["kind"] == "SecretStore"]
    assert store["metadata"]["namespace"] == "shop"
    assert store["spec"]["provider"] == {"aws": {"service": "SecretsManager", "region": "ap-southeast-1", "role": READER}}
    assert {each["metadata"].get("namespace") for each in documents if each["kind"] in ("Role", "RoleBinding")} == {"shop"}


def test_everything_is_applied_by_the_server_and_the_namespace_first(deployer: Deployer) -> None:
    """Issue 11, 29: `kubectl apply -k` leaves an annotation that a later server-side apply warns about."""
    access(deployer)
    applies = [call for call in deployer.calls() if call.verb == "apply"]
    assert applies[0].applied == ["Namespace/shop"]
    assert all({"--server-side", "--field-manager=deploy"} <= set(call.arguments) for call in applies)
    assert {call.kubeconfig for call in deployer.calls()} == {str(deployer.project / ".deploy/dev.kubeconfig.json")}


def test_nothing_is_deployed_before_an_administrator_was_there(deployer: Deployer) -> None:
    for missing in ("namespace/shop", "secretstore/secrets-manager"):
        deployer.holds({key: value for key, value in deployer.state.items() if key != missing})
        run = deployer.run()
        assert run.returncode == 1
        kind, _, name = missing.partition("/")
        assert f"there is no {kind} {name}. An administrator makes it once: uv run ops access ENVIRONMENT" in run.stderr
        deployer.holds(deployer.state | {missing: {}})
    assert not deployer.applies()


def test_a_release_makes_no_store(deployer: Deployer) -> None:
    assert deployer.run().returncode == 0
    assert not [name for applied in deployer.applies() for name in applied if name.startswith(("SecretStore/", "ClusterSecretStore/"))]
