"""A stand-in for the `kubernetes` provider of Pulumi, for a machine where the real binary cannot be had.

It behaves as the real one was measured to behave (provider 4.32, engine 3.258): what is in state, which server
calls a preview and an update make, what forces a replacement, how long each kind is waited for and what is said
meanwhile. It is stricter in one thing on purpose: fields that the server does not know are errors, where the real
provider drops them silently.

Not there, and said so when asked for: components (`Construct`: helm.v4.Chart, yaml.v2), `Invoke` (helm.v3.Chart,
yaml.decode), `renderYamlToDirectory`, `enableServerSideApply: false`.
"""
