"""Rules of AWS, EKS, GitHub and the charts that no emulator enforces.

Each rule is a function that yields the places where its subject breaks it, with the rule's source and a broken example beside it.
`plan_rules*.py` read Terraform plans (tests/infrastructure runs them over every plan it makes), `manifest_rules*.py` rendered manifests.
"""
