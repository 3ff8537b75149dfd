// Not built here: the last release of this module that holds Pulumi's Python language host. Its source is compiled against
// the CLI's own libraries (local/build/workspaces.py); go.sum pins its content.
module tools/pulumi-language-python

go 1.26.0

require github.com/pulumi/pulumi/sdk/v3 v3.79.0
