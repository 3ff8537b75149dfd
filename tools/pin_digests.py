"""Asks registries for the digests of a stack's images: `python -m tools.pin_digests --stack dev [--write]`.

One line per image: its digest, or what failed. `--write` puts those of planning/versions/pins.py there; a model's own
image has its digest in the stack file (`models[].image.digest`), which people write. Behind a mirror (registry.mirror)
the mirror is asked. Docker Registry HTTP API v2: https://distribution.github.io/distribution/spec/api/, 2026-11-27.
Anonymous: a registry that wants an account says so in its line. Exits 1 where an image has none.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import requests

from advisor.stack_files import planned_without_mirror, settings_of
from planning.versions import pins
from planning.versions.images import place_behind, stack_images

TIMEOUT_SECONDS = 20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HOSTS = {"docker.io": "registry-1.docker.io"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The index of all platforms first: its digest is what every node's platform can pull.
ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1", "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1", "docker.distribution.manifest.v2",
    )
)  # fmt: skip


class NoDigest(Exception):
    """The registry did not name one; the message is for people."""


def digest_of(image: str) -> str:
    """The digest of `host/repository:tag`; raises NoDigest."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    host, path = (
        (first, rest) if slash and ("." in first or ":" in first or first == "localhost") else ("docker.io", name)
    )
    repository, colon, tag = path.rpartition(":")
    if not colon:
        raise NoDigest("it has no tag")
    scheme = "http" if urlsplit(f"//{host}").hostname in LOOPBACK else "https"
    url = f"{scheme}://{HOSTS.get(host, host)}/v2/{repository}/manifests/{tag}"
    try:
        return _ask(url, repository)
    except requests.RequestException as error:
        raise NoDigest(f"{host} does not answer: {type(error).__name__}") from None


def _ask(url: str, repository: str) -> str:
    headers = {"Accept": ACCEPT}
    answer = requests.head(url, headers=headers, timeout=TIMEOUT_SECONDS)
    if answer.status_code == 401:
        headers["Authorization"] = f"Bearer {_token(answer.headers.get('WWW-Authenticate', ''), repository)}"
        answer = requests.head(url, headers=headers, timeout=TIMEOUT_SECONDS)
    if answer.status_code != 200:
        meaning = {401: "wants an account", 403: "refuses", 404: "has no such tag", 429: "was asked too often"}
        raise NoDigest(f"{urlsplit(url).netloc} {meaning.get(answer.status_code, 'failed')} ({answer.status_code})")
    digest = answer.headers.get("Docker-Content-Digest", "")
    if not DIGEST.fullmatch(digest):
        raise NoDigest(f"{urlsplit(url).netloc} names no sha256 digest")
    return digest


def _token(challenge: str, repository: str) -> str:
    """A token for pulling, as WWW-Authenticate says where; https only, but on this machine."""
    said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = urlsplit(said.get("realm", ""))
    if not challenge.lower().startswith("bearer ") or not realm.hostname:
        raise NoDigest("the registry wants an account")
    if realm.scheme != "https" and realm.hostname not in LOOPBACK:
        raise NoDigest(f"the registry sends for a token to {realm.scheme}://{realm.hostname}, which is not https")
    asked = {"service": said.get("service", ""), "scope": said.get("scope") or f"repository:{repository}:pull"}
    answer = requests.get(realm.geturl(), params=asked, timeout=TIMEOUT_SECONDS)
    try:
        body = answer.json()
        return str(body.get("token") or body["access_token"])
    except (ValueError, KeyError, AttributeError, TypeError):
        raise NoDigest(f"{realm.hostname} gives no token ({answer.status_code})") from None


def write(text: str, pin: pins.ImagePin, digest: str) -> str:
    """The source of pins.py with the digest of one image."""
    start = rf'repository="{re.escape(pin.repository)}",\n.*?tag="{re.escape(pin.tag)}",\n\s+digest='
    place = re.compile(rf"({start})[^\n]+,", re.DOTALL)
    changed, count = place.subn(rf'\g<1>"{digest}",', text)
    if count != 1:
        raise NoDigest(f"pins.py has {pin.repository}:{pin.tag} {count} times")
    return changed


def main(arguments: list[str], file: Path = Path(pins.__file__)) -> int:
    """Prints a line per image; 0 when each has a digest."""
    parser = argparse.ArgumentParser(prog="python -m tools.pin_digests", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", default="dev", help="dev for Pulumi.dev.yaml")
    parser.add_argument("--write", action="store_true", help="into planning/versions/pins.py")
    options = parser.parse_args(arguments)
    try:
        settings = settings_of(options.stack)
        images = [use.image for use in stack_images(planned_without_mirror(settings, options.stack))]
    except (LookupError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    ours = {f"docker.io/{pin.repository}:{pin.tag}": pin for pin in (pins.VLLM, pins.CUDA_BASE)}
    failed = 0
    for image in images:
        mirror = settings.registry.mirror
        try:
            digest = digest_of(place_behind(image, mirror) if mirror else image)
            if options.write and (pin := ours.get(image.partition("@")[0])):
                file.write_text(write(file.read_text(), pin, digest))
            print(f"{image.partition('@')[0]}@{digest}")
        except NoDigest as error:
            failed += 1
            print(f"{image}: no digest: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
