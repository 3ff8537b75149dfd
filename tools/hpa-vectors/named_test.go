package hpavectors

import "strings"

const asLeft = -1

func one(value float64) reading { return reading{Value: &value} }

// each gives a value to every pod; a negative one: the pod has no metric.
func each(values ...float64) reading {
	found := make([]*float64, len(values))
	for place, value := range values {
		if value >= 0 {
			found[place] = &value
		}
	}
	return reading{ByPod: found}
}

func seconds(count int32) *int32 { return &count }

func now(replicas int32, pods string, readings ...reading) step {
	return step{Replicas: replicas, Pods: pods, Readings: readings}
}

// named are the cases with a reason of their own.
func named() []*vector {
	demand, ready := []metric{{"object", 1000}}, func(count int) string { return strings.Repeat("R", count) }
	fast := &rules{Window: seconds(0)}
	found := []*vector{
		{Name: "a terminating pod is not in status.replicas: within tolerance", Min: 1, Max: 20, Metrics: demand, Up: fast,
			Steps: []step{now(4, "RRRRT", one(4.2))}},
		{Name: "a terminating pod is not in status.replicas: grows", Min: 1, Max: 20, Metrics: demand, Up: fast,
			Steps: []step{now(5, "RRRRRT", one(5.4)), now(4, "RRRRT", one(5.4))}},
		{Name: "a terminating pod is not in status.replicas: holds eleven", Min: 1, Max: 20, Metrics: demand, Up: fast,
			Steps: []step{now(11, ready(11)+"T", one(10.9))}},
		{Name: "a terminating pod that is ready is multiplied by a Value", Min: 1, Max: 20, Metrics: []metric{{"object-value", 1000}}, Up: fast,
			Steps: []step{now(4, "RRRRT", one(1.5)), now(4, "RRRRt", one(1.5))}},
		{Name: "the adapter cuts to thousandths", Min: 1, Max: 20, Metrics: demand, Up: fast,
			Steps: []step{now(1, "R", one(1.1001)), now(1, "R", one(1.1010)), now(1, "R", one(1.0999))}},
		{Name: "three idle pods and two without a metric", Min: 1, Max: 20, Metrics: []metric{{"pods", 5000}}, Down: fast,
			Steps: []step{now(5, "RRRRR", each(1, 1, 1, -1, -1)), now(5, "RRRRR", each(1, 1, 1, 0, 0))}},
		{Name: "busy pods and two without a metric", Min: 1, Max: 20, Metrics: []metric{{"pods", 5000}}, Up: fast,
			Steps: []step{now(5, "RRRRR", each(9, 9, 9, -1, -1)), now(5, "RRRRR", each(9, 9, 9, 9, 9))}},
		{Name: "busy pods and a pending one", Min: 1, Max: 20, Metrics: []metric{{"pods", 5000}}, Up: fast,
			Steps: []step{now(3, "RRP", each(9, 9, -1)), now(3, "RRP", each(2, 2, -1))}},
		{Name: "without behavior: twice or four, no events", Min: 1, Max: 40, Metrics: demand,
			Steps: []step{now(1, "R", one(30)), now(asLeft, ready(4), one(30)), now(asLeft, ready(8), one(30)), now(asLeft, ready(16), one(30))}},
		{Name: "with default behavior: four more or twice", Min: 1, Max: 40, Metrics: demand, Up: &rules{},
			Steps: []step{now(1, "R", one(30)), now(asLeft, ready(5), one(30)), now(asLeft, ready(10), one(30))}},
		{Name: "above the maximum and below the minimum", Min: 2, Max: 6, Metrics: demand, Up: fast,
			Steps: []step{now(9, ready(9), one(9)), now(asLeft, ready(6), one(6)), now(1, "R", one(1)), now(asLeft, "RR", one(2))}},
		{Name: "zero is left alone", Min: 1, Max: 6, Metrics: demand, Steps: []step{now(0, "", one(3)), now(1, "R", one(3))}},
		{Name: "a failing metric stops shrinking, not growing", Min: 1, Max: 20, Metrics: []metric{{"external", 1000}, {"external", 1000}},
			Up: fast, Down: fast, Steps: []step{now(4, "RRRR", one(1), reading{}), now(4, "RRRR", one(6), reading{}), now(4, "RRRR", one(1), one(2)), now(4, "RRRR", reading{}, reading{})}},
		{Name: "the down limit forgets what the up policies' period has outlived", Min: 1, Max: 40, Metrics: demand,
			Up:   &rules{Window: seconds(0), Policies: []policy{{"Pods", 4, 15}}},
			Down: &rules{Window: seconds(0), Policies: []policy{{"Pods", 4, 60}}},
			Steps: []step{now(3, "RRR", one(7)), now(asLeft, ready(7), one(7)), now(asLeft, ready(7), one(11)), now(asLeft, ready(11), one(1)),
				now(asLeft, ready(7), one(1)), now(asLeft, ready(7), one(1))}},
	}
	for _, choice := range []string{"Max", "Min", "Disabled"} {
		several := &rules{Window: seconds(0), Select: choice, Policies: []policy{{"Pods", 2, 30}, {"Percent", 50, 60}, {"Pods", 5, 120}}}
		steps := []step{now(4, ready(4), one(20))}
		for range 4 {
			steps = append(steps, now(asLeft, ready(8), one(20)))
		}
		for range 8 {
			steps = append(steps, now(asLeft, ready(8), one(2)))
		}
		found = append(found, &vector{Name: "several policies, " + choice, Min: 1, Max: 40, Metrics: demand, Up: several, Down: several, Steps: steps})
	}
	for _, window := range []int32{0, 15, 30, 45, 300} {
		steps := []step{}
		for _, load := range []float64{5, 9, 3, 3, 3, 8, 8, 8, 2, 2, 2, 2} {
			steps = append(steps, now(6, ready(6), one(load)))
		}
		both := &rules{Window: seconds(window)}
		found = append(found, &vector{Name: "windows", Min: 1, Max: 40, Metrics: demand, Up: both, Down: both, Steps: steps})
	}
	return found
}
