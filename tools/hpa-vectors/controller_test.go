package hpavectors

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scaleclient "k8s.io/client-go/scale"
	defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	prom "sigs.k8s.io/prometheus-adapter/pkg/client"
	external "sigs.k8s.io/prometheus-adapter/pkg/external-provider"
)

const (
	syncPeriod       = 15 * time.Second // --horizontal-pod-autoscaler-sync-period
	cpuRequestMilli  = 2000
	metricWindow     = 30 * time.Second
	downscaleDefault = 5 * time.Minute  // --horizontal-pod-autoscaler-downscale-stabilization
	tolerance        = 0.1              // --horizontal-pod-autoscaler-tolerance
	cpuInitPeriod    = 5 * time.Minute  // --horizontal-pod-autoscaler-cpu-initialization-period
	readinessDelay   = 30 * time.Second // --horizontal-pod-autoscaler-initial-readiness-delay
)

// cluster is what the controller sees: pods, one scale, the metrics APIs. One step of a vector at a time.
type cluster struct {
	sync.Mutex
	now      step
	replicas int32
	start    time.Time
}

func (c *cluster) Scales(string) scaleclient.ScaleInterface { return c }

func (c *cluster) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	c.Lock()
	defer c.Unlock()
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: "model", Namespace: "models"},
		Spec:       autoscalingv1.ScaleSpec{Replicas: c.replicas},
		Status:     autoscalingv1.ScaleStatus{Replicas: c.now.active(), Selector: "app=model"},
	}, nil
}

func (c *cluster) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	c.Lock()
	defer c.Unlock()
	c.replicas = scale.Spec.Replicas
	return scale, nil
}

func (c *cluster) Patch(context.Context, schema.GroupVersionResource, string, types.PatchType, []byte, metav1.PatchOptions) (*autoscalingv1.Scale, error) {
	return nil, fmt.Errorf("the controller does not patch")
}

// asMilli takes a number through prometheus-adapter's own conversion to a quantity and back.
func asMilli(value float64) int64 {
	scalar := &model.Scalar{Value: model.SampleValue(value)}
	list, err := external.NewMetricConverter().Convert(provider.ExternalMetricInfo{Metric: "m"}, prom.QueryResult{Type: model.ValScalar, Scalar: scalar})
	if err != nil {
		panic(err)
	}
	read := resource.MustParse(list.Items[0].Value.String()) // as it travels in JSON
	return read.MilliValue()
}

func (c *cluster) reading(name string) (reading, error) {
	var place int
	fmt.Sscanf(name, "metric-%d", &place)
	c.Lock()
	defer c.Unlock()
	if place >= len(c.now.Readings) || c.now.Readings[place].missing() {
		return reading{}, fmt.Errorf("no such metric now")
	}
	return c.now.Readings[place], nil
}

func (c *cluster) byPod(name string, cpu bool) (metrics.PodMetricsInfo, time.Time, error) {
	found, err := c.reading(name)
	if err != nil {
		return nil, time.Time{}, err
	}
	result := metrics.PodMetricsInfo{}
	for place, value := range found.ByPod {
		if value == nil {
			continue
		}
		milli := int64(*value)
		if !cpu {
			milli = asMilli(*value)
		}
		result[fmt.Sprintf("pod-%d", place)] = metrics.PodMetric{Timestamp: time.Now(), Window: metricWindow, Value: milli}
	}
	return result, time.Now(), nil
}

func (c *cluster) GetResourceMetric(context.Context, v1.ResourceName, string, labels.Selector, string) (metrics.PodMetricsInfo, time.Time, error) {
	return c.byPod("metric-0", true)
}

func (c *cluster) GetRawMetric(name string, _ string, _, _ labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	return c.byPod(name, false)
}

func (c *cluster) GetObjectMetric(name string, _ string, _ *autoscalingv2.CrossVersionObjectReference, _ labels.Selector) (int64, time.Time, error) {
	found, err := c.reading(name)
	if err != nil {
		return 0, time.Time{}, err
	}
	return asMilli(*found.Value), time.Now(), nil
}

func (c *cluster) GetExternalMetric(name string, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	value, at, err := c.GetObjectMetric(name, "", nil, nil)
	return []int64{value}, at, err
}

// pods builds the step's pods: R running and ready, U not ready, P pending, T terminating and still ready, t
// terminating and not ready, F failed. Ages matter for CPU only.
func (c *cluster) pods() []interface{} {
	found := []interface{}{}
	for place, letter := range c.now.Pods {
		pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("pod-%d", place), Namespace: "models", Labels: map[string]string{"app": "model"},
		}}
		pod.Spec.Containers = []v1.Container{{Name: "server", Resources: v1.ResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceCPU: *resource.NewMilliQuantity(cpuRequestMilli, resource.DecimalSI)},
		}}}
		pod.Status.Phase = v1.PodRunning
		ready := v1.ConditionTrue
		switch letter {
		case 'U', 't':
			ready = v1.ConditionFalse
		case 'P':
			pod.Status.Phase, ready = v1.PodPending, v1.ConditionFalse
		case 'F':
			pod.Status.Phase, ready = v1.PodFailed, v1.ConditionFalse
		}
		if letter == 'T' || letter == 't' {
			now := metav1.NewTime(time.Now())
			pod.DeletionTimestamp = &now
		}
		started, changed := c.start.Add(-time.Hour), c.start.Add(-time.Hour)
		if place < len(c.now.Ages) {
			started = c.start.Add(time.Duration(c.now.Ages[place][0]) * time.Second)
			changed = c.start.Add(time.Duration(c.now.Ages[place][1]) * time.Second)
		}
		pod.Status.StartTime = &metav1.Time{Time: started}
		pod.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: ready, LastTransitionTime: metav1.NewTime(changed)}}
		found = append(found, pod)
	}
	return found
}

// run plays a vector against the controller, on the clock of a synctest bubble, and fills in what it answered.
// `next` makes the step after each answer.
func run(t *testing.T, given *vector, next func(place int, replicas int32) (step, bool)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hpa := given.object()
		defaults.SetDefaults_HorizontalPodAutoscaler(hpa)
		client := fake.NewClientset(hpa)
		mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
		mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
		factory := informers.NewSharedInformerFactory(client, 0)
		pods := factory.Core().V1().Pods()
		seen := &cluster{start: time.Now()}
		controller := podautoscaler.NewHorizontalController(ctx, client.CoreV1(), seen, client.AutoscalingV2(), mapper, seen,
			factory.Autoscaling().V2().HorizontalPodAutoscalers(), pods, syncPeriod, downscaleDefault, tolerance, cpuInitPeriod, readinessDelay)
		factory.Start(ctx.Done())
		done := make(chan struct{})
		go func() { controller.Run(ctx, 1); close(done) }()
		time.Sleep(time.Second) // the first sync is at 15 s, every answer is read at 16 s, 31 s, ...
		synctest.Wait()
		for place := 0; ; place++ {
			seen.Lock()
			asked, more := next(place, seen.replicas)
			if !more {
				seen.Unlock()
				break
			}
			seen.now, seen.replicas = asked, asked.Replicas
			objects := seen.pods()
			seen.Unlock()
			if err := pods.Informer().GetIndexer().Replace(objects, ""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(syncPeriod)
			synctest.Wait()
			seen.Lock()
			asked.Wanted = seen.replicas
			seen.Unlock()
			given.Steps = append(given.Steps, asked)
		}
		cancel()
		<-done
		factory.Shutdown()
	})
}
