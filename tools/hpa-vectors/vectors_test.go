// Package hpavectors makes tests/planning/simulation/data/hpa_vectors.jsonl: what Kubernetes' own HPA controller
// answers, step by step, to clusters that we make up. Run it with
//
//	cd tools/hpa-vectors && go test -count=1 . -args -out ../../tests/planning/simulation/data/hpa_vectors.jsonl
package hpavectors

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

var out = flag.String("out", "", "file to write; without it the vectors are made and thrown away")

// reading is what a metrics API answers: one value, values by pod (nil: that pod has none), or nothing.
type reading struct {
	Value *float64
	ByPod []*float64
}

func (r reading) missing() bool { return r.Value == nil && r.ByPod == nil }

// MarshalJSON writes null, a number or a list.
func (r reading) MarshalJSON() ([]byte, error) {
	if r.ByPod != nil {
		return json.Marshal(r.ByPod)
	}
	return json.Marshal(r.Value)
}

// step is one sync: spec.replicas as the controller finds it, pods, readings in the order of the metrics, and the
// replicas that it asks for. Ages: seconds from the vector's start when a pod started and when it became (un)ready.
type step struct {
	Replicas int32
	Pods     string
	Readings []reading
	Ages     [][2]int
	Wanted   int32
}

// active counts what a ReplicaSet counts in status.replicas: neither failed nor being deleted.
func (s step) active() int32 {
	count := int32(0)
	for _, letter := range s.Pods {
		if letter == 'R' || letter == 'U' || letter == 'P' {
			count++
		}
	}
	return count
}

// MarshalJSON writes [replicas, pods, readings, wanted] and the ages where there are some.
func (s step) MarshalJSON() ([]byte, error) {
	cells := []interface{}{s.Replicas, s.Pods, s.Readings, s.Wanted}
	if s.Ages != nil {
		cells = append(cells, s.Ages)
	}
	return json.Marshal(cells)
}

// metric is kind and target: milli-units, percent of the request for cpu.
type metric struct {
	kind   string
	target int64
}

// MarshalJSON writes [kind, target].
func (m metric) MarshalJSON() ([]byte, error) { return json.Marshal([]interface{}{m.kind, m.target}) }

type policy struct {
	kind  string
	value int32
	every int32
}

// MarshalJSON writes [kind, value, seconds].
func (p policy) MarshalJSON() ([]byte, error) {
	return json.Marshal([]interface{}{p.kind, p.value, p.every})
}

// rules is one direction of behavior; what is left out is for the API server to fill in.
type rules struct {
	Window    *int32   `json:"window,omitempty"`
	Select    string   `json:"select,omitempty"`
	Policies  []policy `json:"policies,omitempty"`
	Tolerance string   `json:"tolerance,omitempty"`
}

type vector struct {
	Name    string   `json:"name"`
	Min     int32    `json:"min"`
	Max     int32    `json:"max"`
	Metrics []metric `json:"metrics"`
	Up      *rules   `json:"up,omitempty"`
	Down    *rules   `json:"down,omitempty"`
	Steps   []step   `json:"steps"`
}

func (r *rules) object() *autoscalingv2.HPAScalingRules {
	if r == nil {
		return nil
	}
	found := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: r.Window}
	if r.Select != "" {
		chosen := autoscalingv2.ScalingPolicySelect(r.Select)
		found.SelectPolicy = &chosen
	}
	for _, each := range r.Policies {
		found.Policies = append(found.Policies, autoscalingv2.HPAScalingPolicy{
			Type: autoscalingv2.HPAScalingPolicyType(each.kind), Value: each.value, PeriodSeconds: each.every,
		})
	}
	if r.Tolerance != "" {
		amount := resource.MustParse(r.Tolerance)
		found.Tolerance = &amount
	}
	return found
}

func (v *vector) object() *autoscalingv2.HorizontalPodAutoscaler {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "model", Namespace: "models"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "model"},
			MinReplicas:    &v.Min,
			MaxReplicas:    v.Max,
		},
	}
	if v.Up != nil || v.Down != nil {
		hpa.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: v.Up.object(), ScaleDown: v.Down.object()}
	}
	for place, each := range v.Metrics {
		hpa.Spec.Metrics = append(hpa.Spec.Metrics, each.object(fmt.Sprintf("metric-%d", place)))
	}
	return hpa
}

func (m metric) object(name string) autoscalingv2.MetricSpec {
	amount := resource.NewMilliQuantity(m.target, resource.DecimalSI)
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: amount}
	whole := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: amount}
	id := autoscalingv2.MetricIdentifier{Name: name}
	service := autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "model"}
	percent := int32(m.target)
	switch m.kind {
	case "pods":
		return autoscalingv2.MetricSpec{Type: "Pods", Pods: &autoscalingv2.PodsMetricSource{Metric: id, Target: average}}
	case "external":
		return autoscalingv2.MetricSpec{Type: "External", External: &autoscalingv2.ExternalMetricSource{Metric: id, Target: average}}
	case "external-value":
		return autoscalingv2.MetricSpec{Type: "External", External: &autoscalingv2.ExternalMetricSource{Metric: id, Target: whole}}
	case "object":
		return autoscalingv2.MetricSpec{Type: "Object", Object: &autoscalingv2.ObjectMetricSource{Metric: id, DescribedObject: service, Target: average}}
	case "object-value":
		return autoscalingv2.MetricSpec{Type: "Object", Object: &autoscalingv2.ObjectMetricSource{Metric: id, DescribedObject: service, Target: whole}}
	}
	return autoscalingv2.MetricSpec{Type: "Resource", Resource: &autoscalingv2.ResourceMetricSource{
		Name:   v1.ResourceCPU,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
	}}
}

func TestVectors(t *testing.T) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	// The usual handlers wait on a clock of their own, which does not follow from one bubble to the next. A metric that
	// is missing is part of a vector; that nothing could be scaled is a fault of ours.
	runtime.ErrorHandlers = []runtime.ErrorHandler{func(_ context.Context, err error, _ string, _ ...interface{}) {
		if strings.Contains(err.Error(), "scale target") || strings.Contains(err.Error(), "scale subresource") {
			t.Error(err)
		}
	}}
	all := []*vector{}
	for _, each := range named() {
		steps := each.Steps
		each.Steps = nil
		run(t, each, func(place int, replicas int32) (step, bool) {
			if place >= len(steps) {
				return step{}, false
			}
			if steps[place].Replicas < 0 { // as the controller left it
				steps[place].Replicas = replicas
			}
			return steps[place], true
		})
		all = append(all, each)
	}
	for seed := uint64(0); seed < 280; seed++ {
		made := drawn(seed)
		run(t, made.vector, made.next)
		all = append(all, made.vector)
	}
	if *out == "" {
		return
	}
	file, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintln(file, header)
	for _, each := range all {
		line, err := json.Marshal(each)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(file, string(line))
	}
}

const header = `{"source": "k8s.io/kubernetes v1.36.2 pkg/controller/podautoscaler, run by tools/hpa-vectors; values through sigs.k8s.io/prometheus-adapter v0.12.0", "date": "2026-11-27"}`
