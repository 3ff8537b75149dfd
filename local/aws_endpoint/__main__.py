"""`python -m local.aws_endpoint --port P`: moto's server with our extension, on 127.0.0.1, until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> None:
    """Serves until SIGTERM or SIGINT; state is in memory only and ends with the process."""
    parser = argparse.ArgumentParser(description="AWS endpoint of the embedded platform (moto, extended)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cluster-endpoint", help="API server address that every EKS cluster is given")
    parser.add_argument("--cluster-ca-file", type=Path, help="PEM certificate authority of that API server")
    parser.add_argument("--new-account", action="store_true", help="with the quotas that AWS gives a new account")
    options = parser.parse_args()
    if bool(options.cluster_endpoint) != bool(options.cluster_ca_file):
        parser.error("--cluster-endpoint and --cluster-ca-file go together")
    # moto's own settings; both must stand before moto is imported.
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    os.environ.setdefault("MOTO_PORT", str(options.port))
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    from local.aws_endpoint.contract.account import NEW_ACCOUNT_QUOTAS, Account, play
    from local.aws_endpoint.extension import install_extension
    from local.aws_endpoint.price_list import with_price_list

    # With an API server there are nodes, and a watcher that rolls them.
    play(Account(quotas=NEW_ACCOUNT_QUOTAS if options.new_account else {}, nodes_roll=bool(options.cluster_endpoint)))
    install_extension(options.cluster_endpoint, options.cluster_ca_file)
    application = with_price_list(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", options.port, application, threaded=True, request_handler=MotoRequestHandler)

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"AWS endpoint (moto) on http://127.0.0.1:{options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
