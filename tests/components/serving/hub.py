"""A Hugging Face hub of the tests' own: the three answers that huggingface_hub asks for, over HTTP on this machine.

Answers as the Hub's API documents them: model info with sizes (`?blobs=true`), HEAD with ETag and X-Repo-Commit, GET.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "0e9e39f249a16976918f6564b8830bc894c89659"
Repositories = Mapping[str, Mapping[str, bytes]]


@contextmanager
def hub(repositories: Repositories, claimed_bytes: Mapping[str, int] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Its address, and the list of files that were fetched. `claimed_bytes`: sizes it states that are not true."""
    fetched: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._file(body=False)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/api/models/"):
                self._info(path)
            else:
                self._file(body=True)

        def _info(self, path: str) -> None:
            name = path.removeprefix("/api/models/").partition("/revision/")[0].partition("/tree/")[0]
            files = repositories.get(name)
            if files is None:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
                return
            sizes = {file: (claimed_bytes or {}).get(file, len(content)) for file, content in files.items()}
            if "/tree/" in path:
                told: object = [
                    {"type": "file", "path": file, "size": sizes[file], "oid": _oid(files[file])} for file in files
                ]
            else:
                siblings = [{"rfilename": file, "size": sizes[file], "blobId": _oid(files[file])} for file in files]
                told = {"id": name, "sha": REVISION, "private": False, "siblings": siblings}
            self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

        def _file(self, *, body: bool) -> None:
            name, _, rest = self.path.lstrip("/").partition("/resolve/")
            file = rest.partition("/")[2].partition("?")[0]
            content = repositories.get(name, {}).get(file)
            if content is None:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": REVISION})
                return
            if body:
                fetched.append(file)
            self._send(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": REVISION}, body)

        def _send(self, status: int, content: bytes, headers: Mapping[str, str], body: bool = True) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body and self.command == "GET":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fetched
    finally:
        server.shutdown()
        server.server_close()


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
