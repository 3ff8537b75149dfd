// Not built: this module's folder holds the CRDs of monitoring.coreos.com. go.sum pins its content.
module tools/crds

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.93.1
