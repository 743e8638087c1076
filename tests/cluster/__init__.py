"""The rendered project on a real Kubernetes: `pytest -m cluster --kubeconfig PATH`."""
