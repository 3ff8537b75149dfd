"""What tools/platform is compiled with: monitoring, the Kubernetes provider, Pulumi's language host."""

from __future__ import annotations

from local.build.source_changes import Copy, SourceChange, Workspace

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


PLATFORM = Workspace(
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
)
