"""Entry point of the plugin script `bin/pulumi-resource-kubernetes`."""

from local.providers.kubernetes.provider import KubernetesProvider
from local.providers.rpc import serve

serve(KubernetesProvider)
