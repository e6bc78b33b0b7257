"""Objects as YAML, and what the checks say about them, as short texts."""

from pathlib import Path

from deploytool.manifests.checks import run_checks
from deploytool.manifests.manifest import manifests_in
from deploytool.manifests.rendering import Rendering
from deploytool.system.document import parse_documents

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: shop:1
          ports:
            - containerPort: 8080
"""


def said(text: str, kubernetes: str = "1.35") -> list[str]:
    """Return LINE: KIND/NAME: MESSAGE for each finding."""
    documents = parse_documents(text, Path("some.yaml"))
    findings = run_checks(Rendering(tuple(manifests_in(documents)), kubernetes))
    return [
        f"{each.manifest.place(each.location).line}: {each.manifest.title}: {each.message}"
        for each in findings
    ]
