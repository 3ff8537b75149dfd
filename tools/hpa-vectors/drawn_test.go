package hpavectors

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// world draws a cluster that follows the controller as a Deployment would: pods come pending, load, become ready, and
// go by draining; metrics come late, fail, and miss pods.
type world struct {
	*vector
	rand   *rand.Rand
	pods   []rune
	load   float64
	steps  int
	before int32
}

func drawn(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 20261127))
	low := int32(1 + r.IntN(3))
	w := &world{vector: &vector{Name: fmt.Sprintf("drawn %d", seed), Min: low, Max: low + int32(r.IntN(24))}, rand: r}
	kinds := []string{"pods", "pods", "external", "external-value", "object", "object-value", "cpu"}
	first := kinds[r.IntN(len(kinds))]
	w.Metrics = []metric{w.metric(first)}
	if first != "cpu" && r.IntN(3) == 0 {
		w.Metrics = append(w.Metrics, w.metric(kinds[r.IntN(len(kinds)-1)]))
	}
	if r.IntN(4) > 0 {
		w.Up = w.rules()
	}
	if r.IntN(4) > 0 {
		w.Down = w.rules()
	}
	count := low + int32(r.IntN(int(w.Max-low)+2)) - int32(r.IntN(2))
	w.pods = []rune(strings.Repeat("R", int(count)))
	w.before = count
	w.load = float64(count) * (0.6 + r.Float64()*0.8)
	w.steps = 1 + r.IntN(12)
	return w
}

func (w *world) metric(kind string) metric {
	if kind == "cpu" {
		return metric{kind, int64(30 + 10*w.rand.IntN(12))}
	}
	return metric{kind, []int64{1, 100, 700, 1000, 2500, 5000, 12345}[w.rand.IntN(7)] * int64(1+w.rand.IntN(2))}
}

func (w *world) rules() *rules {
	r, found := w.rand, &rules{}
	if r.IntN(2) == 0 {
		window := []int32{0, 0, 15, 30, 60, 100, 300}[r.IntN(7)]
		found.Window = &window
	}
	found.Select = []string{"", "", "Max", "Min", "Min", "Disabled"}[r.IntN(6)]
	for range r.IntN(4) {
		kind, value := "Pods", int32(1+r.IntN(6))
		if r.IntN(2) == 0 {
			kind, value = "Percent", []int32{1, 10, 25, 33, 50, 100, 200}[r.IntN(7)]
		}
		found.Policies = append(found.Policies, policy{kind, value, []int32{15, 30, 45, 60, 120, 180}[r.IntN(6)]})
	}
	if r.IntN(4) == 0 {
		found.Tolerance = []string{"0", "0.01", "0.05", "0.2", "0.5"}[r.IntN(5)]
	}
	return found
}

// next moves the pods towards the replicas asked for and draws the step's readings.
func (w *world) next(place int, replicas int32) (step, bool) {
	if place >= w.steps {
		return step{}, false
	}
	if place == 0 {
		replicas = w.before
	} else if w.rand.IntN(25) == 0 { // somebody scales by hand
		replicas = w.Min - 1 + int32(w.rand.IntN(int(w.Max-w.Min)+3))
	}
	w.move(int(replicas))
	w.load *= math.Exp(w.rand.NormFloat64() * 0.25)
	if w.rand.IntN(10) == 0 {
		w.load *= 0.3 + w.rand.Float64()*3
	}
	made := step{Replicas: replicas, Pods: string(w.pods)}
	for _, each := range w.Metrics {
		made.Readings = append(made.Readings, w.reading(each))
	}
	if w.Metrics[0].kind == "cpu" {
		for range w.pods {
			start := 15*place - w.rand.IntN(600)
			made.Ages = append(made.Ages, [2]int{start, start + w.rand.IntN(90)})
		}
	}
	return made, true
}

func (w *world) move(replicas int) {
	kept, active := []rune{}, 0
	for _, letter := range w.pods {
		draw := w.rand.IntN(4)
		switch {
		case letter == 'P' && draw == 0:
			letter = 'U'
		case letter == 'U' && draw < 2:
			letter = 'R'
		case letter == 'R' && w.rand.IntN(40) == 0:
			letter = []rune("UF")[w.rand.IntN(2)]
		case letter == 'T' && draw == 0:
			letter = 't'
		case (letter == 't' || letter == 'F') && draw == 0:
			continue
		}
		if strings.ContainsRune("RUP", letter) {
			if active == replicas {
				letter = 'T'
			} else {
				active++
			}
		}
		kept = append(kept, letter)
	}
	for ; active < replicas; active++ {
		kept = append(kept, []rune("PPU")[w.rand.IntN(3)])
	}
	w.pods = kept
}

func (w *world) reading(of metric) reading {
	if w.rand.IntN(12) == 0 {
		return reading{}
	}
	target := float64(of.target) / 1000
	if of.kind == "cpu" {
		target = float64(of.target) / 100 * cpuRequestMilli
	}
	switch of.kind {
	case "external", "object":
		value := round(w.load*target, 5)
		return reading{Value: &value}
	case "external-value", "object-value":
		value := round(w.load*target/math.Max(1, float64(len(w.pods))), 5)
		return reading{Value: &value}
	}
	found := make([]*float64, len(w.pods))
	for place, letter := range w.pods {
		if letter == 'P' || letter == 'F' || w.rand.IntN(6) == 0 || letter == 'U' && w.rand.IntN(2) == 0 {
			continue
		}
		digits := 5
		if of.kind == "cpu" {
			digits = 0
		}
		value := round(w.load*target/math.Max(1, float64(len(w.pods)))*(0.7+0.6*w.rand.Float64()), digits)
		found[place] = &value
	}
	return reading{ByPod: found}
}

func round(value float64, digits int) float64 {
	factor := math.Pow10(digits)
	return math.Round(value*factor) / factor
}
