// Package goruntime tells what the garbage collector did: what the Go peers answer at /runtime.
package goruntime

import (
	"encoding/json"
	"math"
	"net/http"
	"runtime/debug"
	"runtime/metrics"
)

type stats struct {
	Pauses      uint64  `json:"gc_pauses"`
	Total       float64 `json:"gc_pause_total_ms"`
	Longest     float64 `json:"gc_pause_max_ms"`
	Allocations uint64  `json:"allocations"`
}

// JSON is the state since the start. The longest pause is the lower bound of its bucket in the runtime's histogram.
func JSON() []byte {
	samples := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/gc/heap/allocs:objects"}}
	metrics.Read(samples)
	var collector debug.GCStats
	debug.ReadGCStats(&collector)
	now := stats{Total: float64(collector.PauseTotal.Microseconds()) / 1000}
	if samples[0].Value.Kind() == metrics.KindFloat64Histogram {
		pauses := samples[0].Value.Float64Histogram()
		for i, count := range pauses.Counts {
			now.Pauses += count
			if count > 0 {
				now.Longest = math.Max(0, pauses.Buckets[i]) * 1000
			}
		}
	}
	if samples[1].Value.Kind() == metrics.KindUint64 {
		now.Allocations = samples[1].Value.Uint64()
	}
	text, _ := json.Marshal(now)
	return text
}

// Handler answers GET /runtime.
func Handler(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(JSON())
}
