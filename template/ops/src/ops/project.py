"""The project of the current folder."""

from pathlib import Path

from ops.errors import OpsError


def find(start: Path | None = None) -> Path:
    """Return the nearest project folder at or above `start`, by default the working directory. Raises OpsError."""
    start = start or Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "project.env").is_file() and (folder / "deploy" / "overlays").is_dir():
            return folder
    raise OpsError(f"{start} is not inside a project: there is no project.env beside a deploy folder")


def facts(project: Path) -> dict[str, str]:
    """KEY=VALUE of project.env."""
    lines = (project / "project.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def environments(project: Path) -> list[str]:
    """Names of the environments: each has an overlay. A removed environment leaves a folder without a kustomization."""
    return sorted(path.parent.name for path in (project / "deploy" / "overlays").glob("*/kustomization.yaml"))


def require_environment(project: Path, name: str) -> None:
    """Raise OpsError for a name that is not an environment's."""
    if name not in environments(project):
        raise OpsError(f"there is no environment {name}; there is {', '.join(environments(project))}")


def require_certificates(project: Path, region: str) -> None:
    """Raise OpsError if the images lack the root certificates for databases in `region`."""
    certificates = (project / "deploy" / "certs" / "rds.pem").read_text(encoding="utf-8")
    if f"# Amazon RDS {region} " not in certificates:
        raise OpsError(
            f"deploy/certs/rds.pem lacks the roots of {region}: append those that AWS publishes for it,"
            f" each under a line '# Amazon RDS {region} Root CA …', and build the images again"
        )
