"""`python -m preview.gitops STACK --out DIR --repository URL`: what the stack puts into its cluster, for Argo CD.

A directory that is the same whenever stack file and program are: the stack's Kubernetes objects with sync waves, an
Application per Helm release and one for the objects, and the AppProject that holds them to their namespaces. What is in
the account stays Pulumi's, and so does what only an update knows; Secrets are named and never written. docs/gitops.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from planning.prepare import prepare
from preview.dependencies import needed_by
from preview.report_model import ResourcePart
from preview.values import SECRET, UNKNOWN
from settings.command_line import Parser
from settings.last_resort import guarded
from settings.stack_file import StackFileError

ROOT = Path(__file__).resolve().parent.parent
RELEASE = "kubernetes:helm.sh/v3:Release"
# What every run writes: by it a folder is known as one of ours.
LEFT = "left-to-pulumi.txt"
OURS = ("applications", "objects")
ARGO = "argoproj.io/v1alpha1"
WAVE = "argocd.argoproj.io/sync-wave"
CLUSTER = "https://kubernetes.default.svc"
# A Job's template cannot change: Argo CD deletes it and makes it again.
JOB_OPTIONS = {"argocd.argoproj.io/sync-options": "Force=true,Replace=true"}

Manifest = dict[str, Any]


def rendered(
    stack: str, resources: Sequence[ResourcePart], repository: str, path: str, namespace: str = "argocd"
) -> dict[str, str]:
    """Path in the directory -> text. `repository`, `path`: where Argo CD finds the directory."""
    ours = {candidate["urn"]: candidate for candidate in resources if _is_rendered(candidate)}
    waves = _waves(ours)
    files: dict[str, str] = {}
    objects: list[Manifest] = []
    owned: list[Manifest] = []
    for urn, resource in sorted(ours.items()):
        if resource["type"] == RELEASE:
            application = _release(stack, resource, waves[urn], namespace)
            files[f"applications/{application['metadata']['name']}.yaml"] = _text(application)
        else:
            manifest = _object(resource, waves[urn])
            objects.append(manifest)
            owned += _owned(resource)
            files[f"objects/{_file_name(manifest)}"] = _text(manifest)
    project = _project(stack, list(ours.values()), objects, repository, namespace)
    files["project.yaml"] = _text(project)
    files["applications/objects.yaml"] = _text(
        _of_objects(stack, repository, f"{path.rstrip('/')}/objects", namespace, owned)
    )
    files[LEFT] = "".join(f"{line}\n" for line in sorted(_left(resources)))
    return files


def _is_rendered(resource: ResourcePart) -> bool:
    return _is_kubernetes(resource) and not _why_left(resource)


def _is_kubernetes(resource: ResourcePart) -> bool:
    return resource["type"].startswith("kubernetes:") and not resource.get("read")


def _why_left(resource: ResourcePart) -> str:
    text = str(resource["inputs"])
    if resource["type"] == "kubernetes:core/v1:Secret":
        return "a Secret: make it in the cluster, by External Secrets or by hand"
    if SECRET in text:
        return "it holds a secret of Pulumi's configuration"
    if UNKNOWN in text:
        return "it holds what only an update of the account knows"
    return ""


def _left(resources: Sequence[ResourcePart]) -> Iterator[str]:
    for resource in resources:
        if _is_kubernetes(resource) and (why := _why_left(resource)):
            metadata = resource["inputs"].get("metadata") or {}
            name = metadata.get("name") or resource["inputs"].get("name") or resource["name"]
            kind = resource["type"].rpartition(":")[2]
            yield f"{kind} {metadata.get('namespace') or resource['inputs'].get('namespace') or '-'}/{name}: {why}"


def _waves(ours: Mapping[str, ResourcePart]) -> dict[str, int]:
    """How many of the others stand before each one: what it depends on is in an earlier wave."""
    known: dict[str, int] = {}

    def wave(urn: str) -> int:
        if urn not in known:
            known[urn] = max((wave(need) + 1 for need in needed_by(ours[urn]) if need in ours), default=0)
        return known[urn]

    return {urn: wave(urn) for urn in ours}


def _object(resource: ResourcePart, wave: int) -> Manifest:
    made = deepcopy(resource["inputs"])
    metadata = made["metadata"]
    kept = {key: text for key, text in (metadata.get("annotations") or {}).items() if not key.startswith("pulumi.com/")}
    kept |= JOB_OPTIONS if made["kind"] == "Job" else {}
    metadata["annotations"] = {**kept, WAVE: str(wave)}
    if "spec.replicas" in resource.get("ignoreChanges", ()):  # of other fields the first value is ours
        made["spec"].pop("replicas", None)
    return dict(made)


def _owned(resource: ResourcePart) -> Iterator[Manifest]:
    """What a controller writes into the object, whatever its manifest says (docs/adr/0003), as Argo CD ignores it."""
    made, fields = resource["inputs"], resource.get("ignoreChanges", ())
    if fields:
        yield {
            "group": made["apiVersion"].rpartition("/")[0],
            "kind": made["kind"],
            **{key: made["metadata"][key] for key in ("name", "namespace") if key in made["metadata"]},
            "jsonPointers": ["/" + field.replace(".", "/") for field in fields],
        }


def _file_name(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    parts = (metadata.get("namespace"), manifest["kind"].lower(), metadata["name"])
    return "-".join(part.replace(":", ".").replace("/", ".") for part in parts if part) + ".yaml"


def _source(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """Repository and chart, as Argo CD writes them: a registry without its scheme."""
    repository = (inputs.get("repositoryOpts") or {}).get("repo")
    if repository:
        return str(repository), str(inputs["chart"])
    registry, _, chart = str(inputs["chart"]).removeprefix("oci://").rpartition("/")
    return registry, chart


def _release(stack: str, resource: ResourcePart, wave: int, namespace: str) -> Manifest:
    inputs = resource["inputs"]
    repository, chart = _source(inputs)
    helm = {"releaseName": inputs["name"], "valuesObject": inputs.get("values") or {}}
    source = {"repoURL": repository, "chart": chart, "targetRevision": inputs["version"], "helm": helm}
    name = f"{stack}-{inputs['name']}"
    return _application(name, stack, namespace, source, str(inputs["namespace"]), wave)


def _of_objects(stack: str, repository: str, path: str, namespace: str, owned: Sequence[Mapping[str, Any]]) -> Manifest:
    source = {"repoURL": repository, "path": path, "targetRevision": "HEAD"}
    made = _application(f"{stack}-objects", stack, namespace, source, "default", 0)
    if owned:
        made["spec"]["ignoreDifferences"] = list(owned)
    made["spec"]["syncPolicy"]["syncOptions"].append("RespectIgnoreDifferences=true")
    return made


def _application(name: str, stack: str, namespace: str, source: Mapping[str, Any], into: str, wave: int) -> Manifest:
    """Follows its source, takes away what is no more in it, and takes back what others change."""
    return {
        "apiVersion": ARGO,
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace, "annotations": {WAVE: str(wave)}},
        "spec": {
            "project": stack,
            "source": source,
            "destination": {"server": CLUSTER, "namespace": into},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                # An apply of the client keeps the whole object in an annotation: definitions are too large for it.
                "syncOptions": ["ServerSideApply=true"],
                # Kinds come with releases: what has one waits for its turn.
                "retry": {"limit": 10, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
            },
        },
    }


def _project(
    stack: str, ours: Sequence[ResourcePart], objects: Sequence[Manifest], repository: str, namespace: str
) -> Manifest:
    """These sources, into these namespaces."""
    releases = [resource["inputs"] for resource in ours if resource["type"] == RELEASE]
    sources = sorted({repository, *(_source(inputs)[0] for inputs in releases)})
    into = {str(inputs["namespace"]) for inputs in releases}
    into |= {manifest["metadata"]["namespace"] for manifest in objects if manifest["metadata"].get("namespace")}
    return {
        "apiVersion": ARGO,
        "kind": "AppProject",
        "metadata": {"name": stack, "namespace": namespace, "annotations": {WAVE: "-1"}},
        "spec": {
            "sourceRepos": sources,
            "destinations": [{"server": CLUSTER, "namespace": namespace} for namespace in sorted({*into, "default"})],
            # Charts bring definitions, roles and webhooks.
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }


def _text(manifest: Manifest) -> str:
    return yaml.safe_dump(manifest, sort_keys=False, width=1000, allow_unicode=True)


def write(files: Mapping[str, str], folder: Path) -> None:
    """Makes the folder hold these files, and in the two folders that are ours no other YAML of an earlier run."""
    for old in [path for name in OURS for path in (folder / name).glob("*.yaml")]:
        if str(old.relative_to(folder)) not in files:
            old.unlink()
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = Parser("python -m preview.gitops", description=__doc__)
    parser.add_argument("stack", help="name of a stack file, dev for Pulumi.dev.yaml")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="a folder of its own: applications/*.yaml and objects/*.yaml in it are ours",
    )
    parser.add_argument("--repository", metavar="URL", required=True, help="git repository that will hold the folder")
    parser.add_argument("--path", metavar="PATH", help="where in it; default: the stack's name")
    return parser.parse_args(argv)


@guarded("python -m preview.gitops")
def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Exit code: 0 written, 2 wrong input, 3 a fault of ours."""
    asked = arguments(argv)
    try:
        prepared = prepare(root, asked.stack, datetime.now(UTC).date().isoformat())
    except StackFileError as error:
        print(f"error: Pulumi.{asked.stack}.yaml: {error}", file=sys.stderr)
        return 2
    if prepared.plan is None:
        print(f"error: {asked.stack} cannot work; run: python -m preview {asked.stack}", file=sys.stderr)
        return 2
    if asked.out.exists() and any(asked.out.iterdir()) and not (asked.out / LEFT).exists():
        print(f"error: --out {asked.out}: it holds something else; name an empty folder", file=sys.stderr)
        return 2
    # The SDKs take seconds to import; a mistake was told before.
    from preview.recorder import record_program

    file = prepared.file
    recording = record_program(prepared.root, file.project, file.stack, prepared.config, prepared.secret_keys)
    files = rendered(asked.stack, recording.resources, asked.repository, asked.path or asked.stack)
    write(files, asked.out)
    left = len(files[LEFT].splitlines())
    print(f"{len(files)} files in {asked.out}; {left} objects stay Pulumi's: {asked.out / LEFT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
