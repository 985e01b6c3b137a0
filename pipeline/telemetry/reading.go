package telemetry

import (
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// ReadingDefinition names a reading.
type ReadingDefinition struct {
	Group  Group
	Name   string
	Unit   string
	Labels []string
	Metric string // that it is read from
	Level  string // the key of the plan that has its target; empty: none
	Help   string

	read func(v *view, add adder)
}

// adder takes one reading. One that is not known has nothing to be read from.
type adder func(value float64, known bool, target Target, labels ...string)

// Readings lists the dashboard's readings, group by group.
func Readings() []ReadingDefinition {
	names := catalogue()
	name := func(m metric) string { return names[m].Name }
	return []ReadingDefinition{
		{Throughput, "accepted_per_second", "notifications/s", []string{"channel", "priority"}, name(accepted), "", "Notifications accepted durably.", readAccepted},
		{Throughput, "delivered_per_second", "notifications/s", []string{"channel", "priority"}, name(ended), "", "Notifications that their provider accepted.", readDelivered},

		{Latency, "api_latency", "seconds", []string{"quantile"}, name(requestSeconds), "service_levels.api_p99", "Of submissions, from a request's first byte to its answer's last. The target is the 99th percentile's.", readAPILatency},
		{Latency, "end_to_end_latency", "seconds", []string{"channel", "priority", "quantile"}, name(totalSeconds), "service_levels.end_to_end_p99", "From acceptance to the durable outcome of a sent notification. The target is the 99th percentile's of high priority.", readEndToEnd},
		{Latency, "stage_share", "ratio", []string{"channel", "priority", "stage"}, name(stageSeconds), "", "Share of that time, over all notifications, that was spent waiting in the queue, waiting for the batch, in the provider's call, and until the outcome was durable.", readStages},

		{Success, "success_ratio", "ratio", []string{"channel", "category"}, name(ended), "service_levels.transactional_success, .promotional_success", "Delivered notifications, of those that ended delivered, dead or expired. What its user or a limit did not want sent is no failure.", readSuccess},

		{Queueing, "depth", "notifications", nil, name(waiting), "service_levels.queue_depth", "Notifications that wait in all queues.", readDepth},
		{Queueing, "queue_depth", "notifications", []string{"channel", "priority"}, name(waiting), "", "Notifications that wait in a queue.", readDepths},
		{Queueing, "lag", "seconds", []string{"channel", "priority"}, name(oldestAge), "service_levels.queue_lag", "Age of the oldest notification that waits in a queue.", readLags},

		{Utilisation, "workers", "ratio", []string{"channel"}, name(workerBusySeconds), "service_levels.utilisation", "Share of the workers' time that they had a batch in flight.", readWorkers},
		{Utilisation, "connections", "ratio", []string{"provider"}, name(callSeconds), "", "Calls in flight for each connection that the pool may hold. It may be above 1 where calls share connections (FCM's single wire and APNs, by HTTP/2).", readConnections},
		{Utilisation, "preference_hits", "ratio", nil, name(cacheHits), "service_levels.cache_hit", "Share of the reads of preferences that one of the two caches answered.", readPreferenceHits},
		{Utilisation, "cache_hits", "ratio", []string{"cache"}, name(cacheHits), "", "Share of a cache's look-ups that it answered.", readCacheHits},
		{Utilisation, "cache_fill", "ratio", []string{"cache"}, name(cacheEntries), "", "Entries held, of those that may be; only of caches bounded in entries.", readCacheFill},
		{Utilisation, "cpu", "ratio", nil, "process_cpu_seconds_total", "service_levels.utilisation", "Processors in use, of those that the process may use.", readCPU},
		{Utilisation, "memory", "bytes", nil, "process_resident_memory_bytes", "", "Resident memory of the process.", readMemory},
		{Utilisation, "heap", "bytes", nil, "go_memstats_heap_alloc_bytes", "", "Heap occupied by objects, those not yet collected included.", readHeap},
		{Utilisation, "goroutines", "goroutines", nil, "go_goroutines", "", "Goroutines.", readGoroutines},
		{Utilisation, "gc_pauses", "ratio", nil, "go_gc_duration_seconds", "", "Share of the time that the garbage collector stopped the process.", readGCPauses},
		{Utilisation, "open_files", "descriptors", nil, "process_open_fds", "", "Open file descriptors.", readOpenFiles},

		{Errors, "failed_requests", "ratio", nil, name(requests), "service_levels.errors", "Share of all requests that were answered 5xx.", readFailedRequests},
		{Errors, "request_errors_per_second", "requests/s", []string{"route", "class"}, name(requests), "", "Requests answered 4xx or 5xx.", readRequestErrors},
		{Errors, "provider_errors", "ratio", []string{"provider", "class"}, name(attempts), "", "Share of the notifications handed to a provider that it did not accept, by its answer.", readProviderErrors},

		{Cost, "cost_per_notification", "dollars", []string{"channel"}, name(providerDollars), "the estimate's cost.per_notification", "What its provider charges for a notification and its share of the infrastructure.", readChannelCosts},
		{Cost, "provider_cost_per_notification", "dollars", []string{"provider"}, name(providerDollars), "", "What a provider charges for a notification that it accepts.", readProviderCosts},
		{Cost, "infrastructure_cost_per_notification", "dollars", nil, name(infrastructureDollars), "", "A notification's share of the infrastructure, as the plan's estimate has it.", readInfrastructureCost},
	}
}

func readAccepted(v *view, add adder) {
	v.queues(func(now, before *QueueSnapshot) {
		add(float64(now.Accepted-before.Accepted)/v.seconds(), true, Target{}, now.Channel.String(), now.Priority.String())
	})
}

// outcomes is how many of a category ended so.
func outcomes(now, before *QueueSnapshot, c pipeline.Category, s pipeline.State) int64 {
	return now.Ended[c][s] - before.Ended[c][s]
}

func readDelivered(v *view, add adder) {
	v.queues(func(now, before *QueueSnapshot) {
		sum := int64(0)
		for _, c := range categories() {
			sum += outcomes(now, before, c, pipeline.Delivered)
		}
		add(float64(sum)/v.seconds(), true, Target{}, now.Channel.String(), now.Priority.String())
	})
}

// readQuantiles reads the percentiles of latencies; the target is the 99th's.
func readQuantiles(d Distribution, p99 time.Duration, add adder, labels ...string) {
	for _, q := range []struct {
		name    string
		percent float64
	}{{"0.5", 50}, {"0.95", 95}, {"0.99", 99}} {
		target := Target{}
		if q.percent == 99 {
			target.AtMost = p99.Seconds()
		}
		value, known := 0.0, d.Histogram != nil && d.Histogram.TotalCount() > 0
		if known {
			value = float64(d.Histogram.ValueAtPercentile(q.percent)) * microsecond
		}
		add(value, known, target, append(labels[:len(labels):len(labels)], q.name)...)
	}
}

func readAPILatency(v *view, add adder) {
	var latency Distribution
	v.requests(func(now, before *RequestSnapshot) {
		if now.Route == submissions {
			latency = now.Latency.since(before.Latency)
		}
	})
	readQuantiles(latency, v.targets().APIP99, add)
}

func readEndToEnd(v *view, add adder) {
	v.queues(func(now, before *QueueSnapshot) {
		target := time.Duration(0)
		if now.Priority == pipeline.High {
			target = v.targets().EndToEndP99
		}
		readQuantiles(now.EndToEnd.Total.since(before.EndToEnd.Total), target, add, now.Channel.String(), now.Priority.String())
	})
}

func readStages(v *view, add adder) {
	v.queues(func(now, before *QueueSnapshot) {
		total := now.EndToEnd.Total.Sum - before.EndToEnd.Total.Sum
		for _, s := range Stages() {
			spent := now.EndToEnd.Stages[s].Sum - before.EndToEnd.Stages[s].Sum
			addRatio(add, float64(spent), float64(total), Target{}, now.Channel.String(), now.Priority.String(), s.String())
		}
	})
}

// addRatio reads a share; of nothing, it is not known.
func addRatio(add adder, part, whole float64, target Target, labels ...string) {
	if whole <= 0 {
		add(0, false, target, labels...)
		return
	}
	add(part/whole, true, target, labels...)
}

func readSuccess(v *view, add adder) {
	for _, channel := range pipeline.Channels() {
		for _, c := range categories() {
			delivered, failed := int64(0), int64(0)
			v.queues(func(now, before *QueueSnapshot) {
				if now.Channel == channel {
					delivered += outcomes(now, before, c, pipeline.Delivered)
					failed += outcomes(now, before, c, pipeline.Dead) + outcomes(now, before, c, pipeline.Expired)
				}
			})
			target := Target{AtLeast: v.targets().TransactionalSuccess}
			if c == pipeline.Promotional {
				target.AtLeast = v.targets().PromotionalSuccess
			}
			addRatio(add, float64(delivered), float64(delivered+failed), target, channel.String(), c.String())
		}
	}
}

func readDepth(v *view, add adder) {
	sum := int64(0)
	for _, d := range v.depths {
		sum += d.Waiting
	}
	add(float64(sum), true, Target{AtMost: v.targets().QueueDepth})
}

func readDepths(v *view, add adder) {
	for _, d := range v.depths {
		add(float64(d.Waiting), true, Target{}, d.Channel.String(), d.Priority.String())
	}
}

func readLags(v *view, add adder) {
	for _, d := range v.depths {
		add(lag(d, v.now).Seconds(), true, Target{AtMost: v.targets().QueueLag.Seconds()}, d.Channel.String(), d.Priority.String())
	}
}

func readFailedRequests(v *view, add adder) {
	failed, all := int64(0), int64(0)
	v.requests(func(now, before *RequestSnapshot) {
		for code, n := range now.Codes {
			n -= before.Codes[code]
			all += n
			if code >= 500 {
				failed += n
			}
		}
	})
	addRatio(add, float64(failed), float64(all), Target{AtMost: v.targets().Errors})
}

func readRequestErrors(v *view, add adder) {
	v.requests(func(now, before *RequestSnapshot) {
		clients, ours := int64(0), int64(0)
		for code, n := range now.Codes {
			n -= before.Codes[code]
			switch {
			case code >= 500:
				ours += n
			case code >= 400:
				clients += n
			}
		}
		add(float64(clients)/v.seconds(), true, Target{}, now.Route, "4xx")
		add(float64(ours)/v.seconds(), true, Target{}, now.Route, "5xx")
	})
}

func readProviderErrors(v *view, add adder) {
	v.providers(func(now, before *ProviderSnapshot) {
		all := int64(0)
		for _, class := range answerClasses() {
			all += now.Attempts[class] - before.Attempts[class]
		}
		for _, class := range answerClasses() {
			if class != pipeline.Sent {
				addRatio(add, float64(now.Attempts[class]-before.Attempts[class]), float64(all), Target{}, now.Name, class.String())
			}
		}
	})
}

func readChannelCosts(v *view, add adder) {
	prices := &v.dashboard.prices
	for _, channel := range pipeline.Channels() {
		dollars, sent := 0.0, int64(0)
		v.providers(func(now, before *ProviderSnapshot) {
			if channelOf(now.Name) == channel.String() {
				dollars += prices.of(now) - prices.of(before)
				sent += now.Attempts[pipeline.Sent] - before.Attempts[pipeline.Sent]
			}
		})
		target := Target{AtMost: v.targets().Cost[channel]}
		add(prices.Infrastructure+dollars/float64(max(sent, 1)), sent > 0, target, channel.String())
	}
}

func readProviderCosts(v *view, add adder) {
	prices := &v.dashboard.prices
	v.providers(func(now, before *ProviderSnapshot) {
		sent := now.Attempts[pipeline.Sent] - before.Attempts[pipeline.Sent]
		addRatio(add, prices.of(now)-prices.of(before), float64(sent), Target{}, now.Name)
	})
}

func readInfrastructureCost(v *view, add adder) {
	add(v.dashboard.prices.Infrastructure, true, Target{})
}
