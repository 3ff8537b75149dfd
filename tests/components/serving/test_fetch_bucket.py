"""The downloader's program with a bucket as source: the real boto3 against moto's S3 over HTTP."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.serving import fetch_weights
from components.serving.manifests.download import PROGRAM
from planning.serving.files import load_formats

AUTO = load_formats()["auto"]
BUCKET, PREFIX = "acme-weights", "llama/0e9e39f249a16976918f6564b8830bc894c89659"
INDEX = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b"{ }",
    "README.md": b"words",
    "model.safetensors.index.json": INDEX.encode(),
    "model-00001-of-00002.safetensors": os.urandom(3 * 1024 + 5),
    "model-00002-of-00002.safetensors": os.urandom(2048),
    "model-extra.safetensors": b"no",
    "pytorch_model.bin": b"the same again",
    "original/consolidated.00.pth": b"and again",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                         aws_access_key_id="testing", aws_secret_access_key="testing")  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    for name, content in FILES.items():
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=content)
    client.put_object(Bucket=BUCKET, Key=f"{PREFIX}-other/model.safetensors", Body=b"of another model")
    yield client
    for each in client.list_objects_v2(Bucket=BUCKET)["Contents"]:
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    client.delete_bucket(Bucket=BUCKET)


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def request(folder: Path, room: int, prefix: str) -> str:
    wanted = {"bucket": BUCKET, "prefix": prefix, "folder": str(folder / "s3" / BUCKET / prefix),
              "weights": list(AUTO.weights), "index": AUTO.index}  # fmt: skip
    return json.dumps({"repositories": [], "buckets": [wanted], "room_bytes": room})


def variables(folder: Path, endpoint: str) -> dict[str, str]:
    return {
        **CREDENTIALS, "AWS_ENDPOINT_URL_S3": endpoint, "NO_PROXY": "127.0.0.1",
        "HF_HUB_CACHE": str(folder / "hub"), "HF_HOME": str(folder / "home"),
    }  # fmt: skip


def run(folder: Path, endpoint: str, room: int = 10**6, prefix: str = PREFIX, part: int = 1024) -> Ended:
    """In this process: a start of Python for each would be most of the test's time."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(fetch_weights, "PART", part)
        for name, value in variables(folder, endpoint).items():
            patch.setenv(name, value)
        try:
            fetch_weights.main(request(folder, room, prefix))
        except SystemExit as ended:
            return Ended(1, said.getvalue(), str(ended.code))
    return Ended(0, said.getvalue(), "")


def brought(folder: Path) -> dict[str, bytes]:
    root = folder / "s3" / BUCKET / PREFIX
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("s3")
def test_what_the_server_reads_is_brought_once_whole_and_nothing_else(tmp_path: Path, endpoint: str) -> None:
    result = run(tmp_path, endpoint)
    assert result.returncode == 0, result.stderr
    kept = ("config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors")  # fmt: skip
    assert brought(tmp_path) == {name: FILES[name] for name in sorted(kept)}
    assert "4 parts, verified by CRC-32" in result.stdout or "4 parts, verified by MD5" in result.stdout
    assert "everything is there" in run(tmp_path, endpoint="http://127.0.0.1:9").stdout, "a second run needs no network"


def test_an_interrupted_download_goes_on_with_the_parts_that_are_missing(
    tmp_path: Path, endpoint: str, s3: Any
) -> None:
    name = "model-00001-of-00002.safetensors"
    folder = tmp_path / "s3" / BUCKET / PREFIX
    folder.mkdir(parents=True)
    etag = s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")["ETag"]
    (folder / f"{name}.part").write_bytes(FILES[name][:2048])
    (folder / f"{name}.journal").write_text(f"{etag}\n0\n1024\n")
    result = run(tmp_path, endpoint)
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if name in line)
    assert "2 parts" in line
    assert brought(tmp_path)[name] == FILES[name]


def test_parts_of_an_object_that_was_replaced_meanwhile_are_not_used(tmp_path: Path, endpoint: str, s3: Any) -> None:
    name = "model-00001-of-00002.safetensors"
    folder = tmp_path / "s3" / BUCKET / PREFIX
    folder.mkdir(parents=True)
    (folder / f"{name}.part").write_bytes(b"x" * 2048)
    (folder / f"{name}.journal").write_text('"another"\n0\n1024\n')
    assert run(tmp_path, endpoint).returncode == 0
    assert brought(tmp_path)[name] == FILES[name]
    assert s3 is not None


def test_a_file_that_is_damaged_on_the_way_is_refused_and_removed(tmp_path: Path, endpoint: str, s3: Any) -> None:
    name = "model-00001-of-00002.safetensors"
    folder = tmp_path / "s3" / BUCKET / PREFIX
    folder.mkdir(parents=True)
    etag = s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")["ETag"]
    (folder / f"{name}.part").write_bytes(b"x" * 2048)
    (folder / f"{name}.journal").write_text(f"{etag}\n0\n1024\n")
    result = run(tmp_path, endpoint)
    assert result.returncode == 1
    assert f"s3://{BUCKET}/{PREFIX}/{name} is not what S3's checksum of it says" in result.stderr
    assert not list(folder.glob(f"{name}*"))
    assert run(tmp_path, endpoint).returncode == 0
    assert brought(tmp_path)[name] == FILES[name]


@pytest.mark.parametrize("algorithm", ["SHA256", "CRC32", None])
def test_each_checksum_of_s3_is_looked_at(tmp_path: Path, endpoint: str, s3: Any, algorithm: str | None) -> None:
    more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/config.json", Body=b'{"a": 1}', **more)
    result = run(tmp_path, endpoint)
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if "config.json" in line)
    assert (
        line.rpartition("verified by ")[2]
        in {"SHA256": ["SHA-256"], "CRC32": ["CRC-32"], None: ["CRC-32", "MD5"]}[algorithm]
    )


def test_an_object_that_was_uploaded_in_parts_is_verified_by_them(tmp_path: Path, endpoint: str, s3: Any) -> None:
    key = f"{PREFIX}/model-00002-of-00002.safetensors"
    content = [os.urandom(5 * 2**20), b"the end"]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=n, Body=body)["ETag"],
        }
        for n, body in enumerate(content, 1)
    ]
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    result = run(tmp_path, endpoint, room=10**8, part=2**20)
    assert result.returncode == 0, result.stderr
    assert brought(tmp_path)["model-00002-of-00002.safetensors"] == b"".join(content)
    line = next(line for line in result.stdout.splitlines() if "model-00002" in line)
    assert line.endswith("verified by MD5 of its parts")


@pytest.mark.usefixtures("s3")
def test_the_program_runs_as_the_pod_starts_it(tmp_path: Path, endpoint: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HF_"))}
    command = [sys.executable, "-c", PROGRAM, request(tmp_path, 10**6, PREFIX)]
    environment = kept | variables(tmp_path, endpoint)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(brought(tmp_path)) == 5


@pytest.mark.usefixtures("s3")
def test_what_cannot_work_is_said_before_the_first_byte(tmp_path: Path, endpoint: str) -> None:
    small = run(tmp_path, endpoint, room=10)
    assert small.returncode == 1
    assert "the cache has 0.0" in small.stderr
    empty = run(tmp_path, endpoint, prefix="nothing")
    assert empty.returncode == 1
    assert f"s3://{BUCKET}/nothing/ has none of the weights that the server reads" in empty.stderr
    assert not (tmp_path / "s3").exists()
