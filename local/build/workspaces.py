"""What a folder of tools/ needs besides its go.mod to compile: sources that are copied and changed at build time.

Nothing of it is kept in the checkout. Every change is exact text that has to be there as often as said: a newer version
in which it is not there is refused instead of being built otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from local.build.platform_sources import PLATFORM
from local.build.source_changes import Copy, SourceChange, Workspace

# Of External Secrets Operator v0.16.2: every provider but AWS', and what makes secrets instead of reading them.
_OTHER_PROVIDERS = (
    "akeyless alibaba azure/keyvault beyondtrust bitwarden chef cloudru/secretmanager conjur delinea device42 "
    "doppler fake fortanix gcp/secretmanager github gitlab ibm infisical keepersecurity kubernetes onboardbase "
    "onepassword oracle passbolt passworddepot previder pulumi scaleway secretserver senhasegura vault webhook "
    "yandex/certificatemanager yandex/lockbox"
)
_GENERATORS = "acr ecr fake gcr github grafana password quay sts uuid vault webhook"


def _registered(folder: str, names: str) -> tuple[SourceChange, ...]:
    """Imports of a register.go that are left out."""
    why = "each brings the SDK of another cloud or vault; the platform has AWS only"
    own = "github.com/external-secrets/external-secrets/pkg"
    return tuple(
        SourceChange(f"pkg/{folder}/register/register.go", f'\t_ "{own}/{folder}/{name}"\n', "", why)
        for name in names.split()
    )


# What it says to Envoy, for a machine on which pods have no network.
_ON_THIS_MACHINE = Path(__file__).resolve().parents[2] / "tools" / "envoy-gateway" / "on_this_machine.go.txt"
_RUNNER = "internal/xds/runner/runner.go"
_KUBERNETES = "internal/provider/kubernetes/kubernetes.go"
_LOOPBACK = "it would listen on all interfaces, and every platform of this machine on the same port"
_CERTIFICATES = "there is no container around it whose /certs are its own"


def _envoy_gateway_here() -> tuple[SourceChange, ...]:
    paths = ((name, f"xdsTLS{part}Filepath") for name, part in (("cert", "Cert"), ("key", "Key"), ("ca", "Ca")))
    return (
        SourceChange(
            "internal/xds/cache/snapshotcache.go",
            "\t\tversion,\n\t\tresources,\n",
            "\t\tversion,\n\t\tonThisMachine(resources),\n",
            "pods have addresses without a listener, and Envoy would listen on all interfaces",
        ),
        SourceChange(_RUNNER, '\t"net"\n', '\t"net"\n\t"os"\n', "for the next"),
        SourceChange(
            _RUNNER,
            "addr := net.JoinHostPort(XdsServerAddress, strconv.Itoa(bootstrap.DefaultXdsServerPort))",
            "addr := os.Getenv(\"LOCAL_XDS_ADDRESS\")\n\t_ = strconv.Itoa(bootstrap.DefaultXdsServerPort)",
            _LOOPBACK,
        ),
        *(
            SourceChange(
                _RUNNER, f"\t\t\t{name}Path = {path}\n", f'\t\t\t{name}Path = os.Getenv("LOCAL_ROOT") + {path}\n',
                _CERTIFICATES,
            )
            for name, path in paths
        ),
        SourceChange(_KUBERNETES, '\t"net/http"\n', '\t"net/http"\n\t"os"\n', "for the next"),
        SourceChange(
            _KUBERNETES,
            'healthProbeBindAddress = ":8081"',
            'healthProbeBindAddress = os.Getenv("LOCAL_HEALTH_ADDRESS")',
            _LOOPBACK,
        ),
        SourceChange(
            "internal/gatewayapi/runner/runner.go",
            "\t\tr.startWasmCache(ctx)\n",
            "",
            "a server for extensions in Wasm, on all interfaces, with files below /var; none of ours is one",
        ),
    )  # fmt: skip


def _copied(module: str, *changes: SourceChange) -> Workspace:
    """Compiled with a changed copy of one module."""
    return Workspace(copies=(Copy(module, changes=changes),))


def _loopback(*places: tuple[str, str]) -> Iterator[SourceChange]:
    """Files and texts in which a program has a flag for its port and none for the address."""
    return (SourceChange(path, old, old.replace('":%d"', '"127.0.0.1:%d"'), _LOOPBACK) for path, old in places)


WORKSPACES: Mapping[str, Workspace] = {
    "platform": PLATFORM,
    "keda": _copied(
        "github.com/kedacore/keda/v2",
        SourceChange(
            "cmd/adapter/main.go",
            'fmt.Sprintf(":%v", metricsAPIServerPort)',
            'fmt.Sprintf("127.0.0.1:%v", metricsAPIServerPort)',
            _LOOPBACK,
        ),
    ),
    "external-secrets": _copied(
        "github.com/external-secrets/external-secrets",
        *_registered("provider", _OTHER_PROVIDERS),
        *_registered("generator", _GENERATORS),
    ),
    "envoy-gateway": Workspace(
        copies=(
            Copy(
                "github.com/envoyproxy/gateway",
                changes=_envoy_gateway_here(),
                added={"internal/xds/cache/on_this_machine.go": _ON_THIS_MACHINE.read_text()},
            ),
        )
    ),
    "argo-rollouts": _copied(
        "github.com/argoproj/argo-rollouts",
        SourceChange(
            "controller/controller.go",
            '= "0.0.0.0:%d"',
            '= "127.0.0.1:%d"',
            "it has flags for its two ports and none for the address: it would listen on all interfaces",
        ),
    ),
    "endpoint-picker": _copied(
        "sigs.k8s.io/gateway-api-inference-extension",
        *_loopback(
            ("cmd/epp/runner/runner.go", 'BindAddress: fmt.Sprintf(":%d", opts.MetricsPort),'),
            ("internal/runnable/grpc.go", 'net.Listen("tcp", fmt.Sprintf(":%d", port))'),
        ),
    ),
    "kserve": _copied(
        "github.com/kserve/kserve",
        SourceChange(
            "cmd/manager/main.go",
            "Port: options.webhookPort,",
            'Port: options.webhookPort, Host: "127.0.0.1", CertDir: os.Getenv("WEBHOOK_CERTIFICATES"),',
            "its webhook server has no flag for address and certificates: all interfaces, a folder of /tmp",
        ),
    ),
    "karpenter": _copied(
        "sigs.k8s.io/karpenter",
        *_loopback(
            ("pkg/operator/operator.go", 'fmt.Sprintf(":%d", options.FromContext(ctx).MetricsPort)'),
            ("pkg/operator/operator.go", 'fmt.Sprintf(":%d", options.FromContext(ctx).HealthProbePort)'),
        ),
    ),
}
"""Folder below tools/ -> how it is compiled; a folder that is not here is compiled as it is."""


def workspace(folder: str) -> Workspace:
    """How the programs of this folder below tools/ are compiled."""
    return WORKSPACES.get(folder, Workspace())
