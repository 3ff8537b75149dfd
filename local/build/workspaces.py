"""What a folder of tools/ needs besides its go.mod to compile: sources that are copied and changed at build time.

Nothing of it is kept in the checkout. Every change is exact text that has to be there as often as said: a newer version
in which it is not there is refused instead of being built otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SourceChange:
    """One text of a file that is replaced by another."""

    path: str
    """File inside the module."""
    old: str
    new: str
    why: str
    times: int = 1
    """How often the text has to be there."""


@dataclass(frozen=True)
class Copy:
    """A pinned module that is copied into the workspace: some files, or the whole in the place of the original."""

    module: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Path inside the module -> path inside the workspace; JSON loses its white space. Empty: the whole module."""
    changes: tuple[SourceChange, ...] = ()
    added: Mapping[str, str] = field(default_factory=dict)
    """Files that the module lacks: path inside it -> content."""
    pinned_in: str = ""
    """Folder below tools/ whose go.mod and go.sum pin it, where it is not the workspace's own."""


@dataclass(frozen=True)
class Workspace:
    """How the programs of one folder below tools/ are compiled."""

    tags: str = ""
    """Build tags."""
    copies: tuple[Copy, ...] = ()


PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HOST = "python/cmd/pulumi-language-python/main.go"
_CONSTRUCT = "pkg/provider/provider_construct.go"
_NO_GO_SDK = (
    "these four component types bring the whole Go SDK, a fifth of the provider's compile time; nothing here uses them"
)
_OLD_OPENAPI = "its models have the names of k8s.io 0.31; where none is set, custom-metrics-apiserver brings its own"
_NEWER_SDK = "written for the SDK of 3.79"


def _components_left_out() -> tuple[SourceChange, ...]:
    imports = ("providerhelmv4|helm/v4", "providerkustomizev2|kustomize/v2", "provideryamlv2|yaml/v2")
    factories = (
        '	"kubernetes:yaml/v2:ConfigFile":     provideryamlv2.NewConfigFileProvider,\n',
        '	"kubernetes:yaml/v2:ConfigGroup":    provideryamlv2.NewConfigGroupProvider,\n',
        '	"kubernetes:helm.sh/v4:Chart":       providerhelmv4.NewChartProvider,\n',
        '	"kubernetes:kustomize/v2:Directory": providerkustomizev2.NewDirectoryProvider,\n',
    )
    lines = [
        f'	{name} "{PROVIDER}/pkg/provider/{path}"\n' for name, path in (import_.split("|") for import_ in imports)
    ]
    return tuple(SourceChange(_CONSTRUCT, line, "", _NO_GO_SDK) for line in (*lines, *factories))


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
    "platform": Workspace(
        # Prometheus: only Kubernetes' service discovery; the others bring the SDK of every cloud.
        tags="remove_all_sd,enable_kubernetes_sd",
        copies=(
            Copy(
                "github.com/prometheus/alertmanager",
                # Its web pages are made by npm and are in no Go module; the program does not compile without any.
                added={"ui/app/dist/index.html": "<p>The web pages are not built here; the API is at /api/v2.</p>\n"},
            ),
            Copy(
                "sigs.k8s.io/prometheus-adapter",
                changes=(
                    SourceChange(
                        "cmd/adapter/adapter.go",
                        "stopCh := genericapiserver.SetupSignalHandler()",
                        "ctx := genericapiserver.SetupSignalContext()\n\tstopCh := ctx.Done()",
                        "Run of a newer custom-metrics-apiserver takes a context",
                    ),
                    SourceChange("cmd/adapter/adapter.go", "cmd.Run(stopCh)", "cmd.Run(ctx)", "the same"),
                    SourceChange(
                        "pkg/client/api.go",
                        "return time.Since(deadline), true",
                        "return time.Until(deadline), true",
                        "a negative time-out: older prometheus/common wrote it as nothing, this one as -59s, refused",
                    ),
                    *(
                        SourceChange("cmd/adapter/adapter.go", f"if cmd.{name} == nil {{", "if false {", _OLD_OPENAPI)
                        for name in ("OpenAPIConfig", "OpenAPIV3Config")
                    ),
                ),
            ),
            Copy(
                PROVIDER,
                changes=(
                    *_components_left_out(),
                    SourceChange(
                        "pkg/await/await.go",
                        "sigs.k8s.io/structured-merge-diff/v4/fieldpath",
                        "sigs.k8s.io/structured-merge-diff/v6/fieldpath",
                        "k8s.io 0.36 has moved to it",
                    ),
                    SourceChange(
                        "pkg/gen/schema.go",
                        "\t\tProvider: pschema.ResourceSpec{",
                        "\t\tProvider: &pschema.ResourceSpec{",
                        "a pointer since pulumi/pkg 3.2xx",
                    ),
                ),
            ),
            Copy(
                PROVIDER,
                files={
                    f"cmd/pulumi-resource-kubernetes/{name}.json": f"pulumi-resource-kubernetes/{name}.json"
                    for name in ("schema", "terraform-mapping")
                },
            ),
            Copy(
                PULUMI_SDK,
                files={
                    _HOST: "pulumi-language-python/main.go",
                    **{
                        f"python/{name}.go": f"pulumi-language-python/python/{name}.go"
                        for name in ("python", "shim_unix", "shim_windows")
                    },
                },
                changes=(
                    SourceChange(
                        _HOST,
                        f'"{PULUMI_SDK}/python"',
                        '"tools/platform/pulumi-language-python/python"',
                        "the copy beside it: newer modules do not hold this package",
                    ),
                    SourceChange(_HOST, "if logging.V(5) {", "if logging.V(5).Enabled() {", _NEWER_SDK, times=2),
                    SourceChange(_HOST, "if logging.V(9) {", "if logging.V(9).Enabled() {", _NEWER_SDK),
                    SourceChange(
                        _HOST,
                        "About(ctx context.Context, req *pbempty.Empty)",
                        "About(ctx context.Context, req *pulumirpc.AboutRequest)",
                        _NEWER_SDK,
                    ),
                ),
                pinned_in="pulumi-language-python",
            ),
        ),
    ),
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
