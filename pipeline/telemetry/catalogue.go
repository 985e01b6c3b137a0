package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Group is a part of the dashboard.
type Group uint8

// The groups, in the order of the dashboard.
const (
	Throughput Group = iota
	Latency
	Success
	Queueing
	Utilisation
	Errors
	Cost
)

// Groups lists the groups, in the order of the dashboard.
func Groups() []Group {
	return []Group{Throughput, Latency, Success, Queueing, Utilisation, Errors, Cost}
}

// String gives the group's name, as the status and docs/metrics.md have it.
func (g Group) String() string {
	return [...]string{"throughput", "latency", "success", "queue", "utilisation", "errors", "cost"}[g]
}

// Kind is how a metric's value moves.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota
	Gauge
	Histogram
)

// String gives the kind's name, as Prometheus has it.
func (k Kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// Definition names a metric.
type Definition struct {
	Group  Group
	Kind   Kind
	Name   string
	Unit   string // of a value: seconds, notifications, dollars
	Labels []string
	Help   string
}

// metric is the place of a metric in the catalogue.
type metric int

const (
	submitted metric = iota
	accepted
	replayed
	batchSize
	called
	gatewayRequests
	gatewayNotifications

	requestSeconds
	totalSeconds
	stageSeconds
	callSeconds
	commitSeconds

	ended

	waiting
	windowed
	retrying
	oldestAge
	failedReads

	running
	workersDesired
	workersRunning
	workersBusy
	workerSeconds
	workerBusySeconds
	callsRunning
	connectionsPooled
	connectionsOpen
	connectionsOpened
	cacheHits
	cacheMisses
	cacheEntries
	cacheCapacity
	preferenceShards
	commitRecords
	instancesWished
	instancesDesired
	instancesRunning
	instancesStarting
	gatewaysServing
	gatewayRunning
	reshardRunning
	reshardMoved

	requests
	refused
	attempts
	breaker
	failedOver
	doubtful
	overBudget
	takenOver
	cacheErrors
	regionRefused
	regionRepeated
	gatewayFailed
	gatewayDropped
	dependencyUp
	dependencyFailed

	segments
	providerDollars
	infrastructureDollars

	numMetrics
)

// catalogue names every metric of the pipeline. To add one is an entry here, and
// a value sent in a collect method.
func catalogue() [numMetrics]Definition {
	return [numMetrics]Definition{
		submitted:            {Throughput, Counter, "notifyctl_ingest_submitted_notifications_total", "notifications", nil, "Notifications of decoded requests: each is then accepted, replayed or refused."},
		accepted:             {Throughput, Counter, "notifyctl_ingest_accepted_notifications_total", "notifications", []string{"channel", "priority"}, "Notifications accepted durably, those that ended at once included."},
		replayed:             {Throughput, Counter, "notifyctl_ingest_replayed_notifications_total", "notifications", nil, "Notifications answered from the stored answer of their idempotency key."},
		batchSize:            {Throughput, Histogram, "notifyctl_delivery_batch_size_notifications", "notifications", []string{"channel", "priority"}, "Notifications in a batch when it starts to be sent."},
		called:               {Throughput, Counter, "notifyctl_provider_called_notifications_total", "notifications", []string{"provider"}, "Notifications carried by calls to a provider."},
		gatewayRequests:      {Throughput, Counter, "notifyctl_gateway_requests_total", "requests", []string{"region", "gateway"}, "Requests that a gateway was given."},
		gatewayNotifications: {Throughput, Counter, "notifyctl_gateway_notifications_total", "notifications", []string{"region", "gateway"}, "Notifications of the requests that a gateway decoded."},

		requestSeconds: {Latency, Histogram, "notifyctl_api_request_duration_seconds", "seconds", []string{"route"}, "Time from a request's first byte to its answer's last."},
		totalSeconds:   {Latency, Histogram, "notifyctl_delivery_end_to_end_duration_seconds", "seconds", []string{"channel", "priority"}, "Time from acceptance to the durable outcome of a sent notification."},
		stageSeconds:   {Latency, Histogram, "notifyctl_delivery_stage_duration_seconds", "seconds", []string{"channel", "priority", "stage"}, "The same time, by stage: queue (accepted until fetched, earlier attempts included), batch (until its batch starts), send (the provider's call), settle (until the outcome is durable)."},
		callSeconds:    {Latency, Histogram, "notifyctl_provider_call_duration_seconds", "seconds", []string{"provider"}, "Time of a call to a provider, whatever came of it."},
		commitSeconds:  {Latency, Histogram, "notifyctl_log_commit_duration_seconds", "seconds", []string{"log"}, "Time of a group commit until it is durable."},

		ended: {Success, Counter, "notifyctl_pipeline_ended_notifications_total", "notifications", []string{"channel", "priority", "category", "state"}, "Notifications whose outcome is durable: delivered, suppressed, expired, rate_dropped, dead."},

		waiting:     {Queueing, Gauge, "notifyctl_queue_waiting_notifications", "notifications", []string{"channel", "priority"}, "Notifications not handed out yet."},
		windowed:    {Queueing, Gauge, "notifyctl_queue_windowed_notifications", "notifications", []string{"channel", "priority"}, "Notifications handed out and not settled."},
		retrying:    {Queueing, Gauge, "notifyctl_queue_retrying_notifications", "notifications", []string{"channel", "priority"}, "Notifications that wait for a retry or are handed out for one."},
		oldestAge:   {Queueing, Gauge, "notifyctl_queue_oldest_age_seconds", "seconds", []string{"channel", "priority"}, "Age of the oldest notification not handed out yet, 0 when none waits."},
		failedReads: {Queueing, Counter, "notifyctl_queue_failed_reads_total", "scrapes", nil, "Scrapes that could not read the queues; their gauges were left out."},

		running:           {Utilisation, Gauge, "notifyctl_api_running_requests", "requests", nil, "Requests being answered now."},
		workersDesired:    {Utilisation, Gauge, "notifyctl_delivery_desired_workers", "workers", []string{"channel"}, "Workers that there should be."},
		workersRunning:    {Utilisation, Gauge, "notifyctl_delivery_running_workers", "workers", []string{"channel"}, "Workers, busy or not."},
		workersBusy:       {Utilisation, Gauge, "notifyctl_delivery_busy_workers", "workers", []string{"channel"}, "Workers with a batch in flight."},
		workerSeconds:     {Utilisation, Counter, "notifyctl_delivery_worker_seconds_total", "seconds", []string{"channel"}, "Time that workers were there, busy or not, of all workers together."},
		workerBusySeconds: {Utilisation, Counter, "notifyctl_delivery_worker_busy_seconds_total", "seconds", []string{"channel"}, "Time that workers had a batch in flight, of all workers together."},
		callsRunning:      {Utilisation, Gauge, "notifyctl_provider_running_calls", "calls", []string{"provider"}, "Calls to a provider that have not ended."},
		connectionsPooled: {Utilisation, Gauge, "notifyctl_provider_pooled_connections", "connections", []string{"provider"}, "Connections to a provider that the pool may hold."},
		connectionsOpen:   {Utilisation, Gauge, "notifyctl_provider_open_connections", "connections", []string{"provider"}, "Connections to a provider open now."},
		connectionsOpened: {Utilisation, Counter, "notifyctl_provider_opened_connections_total", "connections", []string{"provider"}, "Connections to a provider opened: a high rate means that the pool does not hold them."},
		cacheHits:         {Utilisation, Counter, "notifyctl_cache_hits_total", "look-ups", []string{"cache"}, "Look-ups that the cache answered."},
		cacheMisses:       {Utilisation, Counter, "notifyctl_cache_misses_total", "look-ups", []string{"cache"}, "Look-ups that went past the cache."},
		cacheEntries:      {Utilisation, Gauge, "notifyctl_cache_held_entries", "entries", []string{"cache"}, "Entries held."},
		cacheCapacity:     {Utilisation, Gauge, "notifyctl_cache_capacity_entries", "entries", []string{"cache"}, "Entries that the cache may hold; left out where it is bounded in bytes."},
		preferenceShards:  {Utilisation, Gauge, "notifyctl_preference_shards", "shards", nil, "Shards that the preferences are divided over."},
		commitRecords:     {Utilisation, Histogram, "notifyctl_log_commit_size_records", "records", []string{"log"}, "Records made durable by one group commit."},
		instancesWished:   {Utilisation, Gauge, "notifyctl_autoscale_wished_instances", "instances", []string{"kind", "name"}, "Workers or gateways that policy wishes, whatever the bounds."},
		instancesDesired:  {Utilisation, Gauge, "notifyctl_autoscale_desired_instances", "instances", []string{"kind", "name"}, "Workers or gateways that there will be once all have started."},
		instancesRunning:  {Utilisation, Gauge, "notifyctl_autoscale_running_instances", "instances", []string{"kind", "name"}, "Workers or gateways that serve."},
		instancesStarting: {Utilisation, Gauge, "notifyctl_autoscale_starting_instances", "instances", []string{"kind", "name"}, "Workers or gateways that do not serve yet."},
		gatewaysServing:   {Utilisation, Gauge, "notifyctl_region_serving_gateways", "gateways", []string{"region"}, "Gateways that are given requests."},
		gatewayRunning:    {Utilisation, Gauge, "notifyctl_gateway_running_requests", "requests", []string{"region", "gateway"}, "Requests that a gateway has."},
		reshardRunning:    {Utilisation, Gauge, "notifyctl_reshard_running_moves", "moves", nil, "Moves of the preferences to another number of shards under way: 0 or 1."},
		reshardMoved:      {Utilisation, Gauge, "notifyctl_reshard_moved_rows", "rows", nil, "Rows that the last move took to another shard so far, a user and a channel each."},

		requests:         {Errors, Counter, "notifyctl_api_requests_total", "requests", []string{"route", "code"}, "Requests answered."},
		refused:          {Errors, Counter, "notifyctl_ingest_refused_notifications_total", "notifications", []string{"reason"}, "Notifications of requests that were not accepted: invalid, conflict, running, rate, admission, unavailable, ambiguous, internal."},
		attempts:         {Errors, Counter, "notifyctl_provider_attempts_total", "notifications", []string{"provider", "class"}, "Notifications handed to a provider, by its answer: sent, permanent, throttled, transient, ambiguous, uncertain."},
		breaker:          {Errors, Gauge, "notifyctl_provider_breaker_state", "state", []string{"provider"}, "Where a provider's circuit breaker stands: 0 closed, 1 half open, 2 open."},
		failedOver:       {Errors, Counter, "notifyctl_provider_failed_over_notifications_total", "notifications", []string{"provider"}, "Notifications that a provider got in another's place."},
		doubtful:         {Errors, Counter, "notifyctl_provider_doubtful_failovers_total", "notifications", []string{"provider"}, "Notifications that a provider got in another's place, which that may have accepted before: possible duplicates."},
		overBudget:       {Errors, Counter, "notifyctl_delivery_over_budget_retries_total", "retries", []string{"channel"}, "Retries put off since the retry budget was spent: a provider fails more than a tenth of what it gets."},
		takenOver:        {Errors, Counter, "notifyctl_delivery_taken_over_notifications_total", "notifications", nil, "Notifications found possibly sent by a former owner, and sent again."},
		cacheErrors:      {Errors, Counter, "notifyctl_cache_errors_total", "look-ups", []string{"cache"}, "Look-ups, of many keys each, that the cache did not answer and that went past it."},
		regionRefused:    {Errors, Counter, "notifyctl_region_refused_requests_total", "requests", []string{"region"}, "Requests of the region's share that no gateway of any region had room for."},
		regionRepeated:   {Errors, Counter, "notifyctl_region_repeated_requests_total", "requests", nil, "Requests given to a second gateway."},
		gatewayFailed:    {Errors, Counter, "notifyctl_gateway_failed_requests_total", "requests", []string{"region", "gateway"}, "Requests that a gateway failed: 500, 502, 504, or a panic."},
		gatewayDropped:   {Errors, Counter, "notifyctl_gateway_dropped_answers_total", "answers", []string{"region", "gateway"}, "Answers of a gateway that reached nobody."},
		dependencyUp:     {Errors, Gauge, "notifyctl_dependency_up", "state", []string{"dependency"}, "Whether an engine beyond the network answered when it was last asked, once a second: 0 or 1."},
		dependencyFailed: {Errors, Counter, "notifyctl_dependency_failed_checks_total", "checks", []string{"dependency"}, "Times that an engine beyond the network was asked, and did not answer."},

		segments:              {Cost, Counter, "notifyctl_provider_sent_segments_total", "segments", []string{"provider"}, "SMS segments of the notifications that a provider accepted: what it charges for."},
		providerDollars:       {Cost, Counter, "notifyctl_cost_provider_dollars_total", "dollars", []string{"channel", "provider"}, "What a provider charges for the notifications that it accepted, by the plan's prices."},
		infrastructureDollars: {Cost, Counter, "notifyctl_cost_infrastructure_dollars_total", "dollars", []string{"channel"}, "The infrastructure's share of the notifications that were accepted, as the plan's estimate has it."},
	}
}

// standard lists what the Go runtime and the operating system say of the
// process, by the names that Prometheus' own collectors give them. They
// register more; these are what the dashboard shows.
func standard() []Definition {
	return []Definition{
		{Utilisation, Counter, "process_cpu_seconds_total", "seconds", nil, "CPU time of the process, user and system."},
		{Utilisation, Gauge, "process_resident_memory_bytes", "bytes", nil, "Resident memory of the process."},
		{Utilisation, Gauge, "process_open_fds", "descriptors", nil, "Open file descriptors of the process."},
		{Utilisation, Gauge, "process_max_fds", "descriptors", nil, "File descriptors that the process may open."},
		{Utilisation, Gauge, "go_memstats_heap_alloc_bytes", "bytes", nil, "Heap occupied by objects, those not yet collected included."},
		{Utilisation, Gauge, "go_goroutines", "goroutines", nil, "Goroutines."},
		{Utilisation, Histogram, "go_gc_duration_seconds", "seconds", nil, "Pauses of the garbage collector, as a summary."},
	}
}

// Catalogue lists every metric of the dashboard, group by group.
func Catalogue() []Definition {
	own := catalogue()
	all := append(own[:], standard()...)
	grouped := make([]Definition, 0, len(all))
	for _, g := range Groups() {
		for _, d := range all {
			if d.Group == g {
				grouped = append(grouped, d)
			}
		}
	}
	return grouped
}

// descriptions are the metrics of the catalogue as Prometheus wants them
// described.
type descriptions struct {
	kinds [numMetrics]Kind
	descs [numMetrics]*prometheus.Desc
}

func describe() *descriptions {
	d := &descriptions{}
	for m, definition := range catalogue() {
		d.kinds[m] = definition.Kind
		d.descs[m] = prometheus.NewDesc(definition.Name, definition.Help, definition.Labels, nil)
	}
	return d
}

// value makes one value of a counter or gauge.
func (d *descriptions) value(m metric, v float64, labels ...string) prometheus.Metric {
	kind := prometheus.CounterValue
	if d.kinds[m] == Gauge {
		kind = prometheus.GaugeValue
	}
	return prometheus.MustNewConstMetric(d.descs[m], kind, v, labels...)
}

// count makes one value of what is counted in whole.
func (d *descriptions) count(m metric, n int64, labels ...string) prometheus.Metric {
	return d.value(m, float64(n), labels...)
}

// latencies and sizes make a histogram's value.
func (d *descriptions) latencies(m metric, l Distribution, labels ...string) prometheus.Metric {
	return l.metric(d.descs[m], latencyBounds(), microsecond, labels...)
}

func (d *descriptions) sizes(m metric, s Distribution, labels ...string) prometheus.Metric {
	return s.metric(d.descs[m], sizeBounds(), 1, labels...)
}
