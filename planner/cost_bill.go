package planner

import (
	"slices"

	"github.com/notifyctl/notifyctl/planner/pricing"
)

// costItems lists every line of the bill, a component's together. Left out are
// support, taxes, people, and what is observed and logged: the price book has no
// prices of them.
func costItems(c choices) []costItem {
	return slices.Concat(fleetItems(c), kafkaItems(c), storeItems(c), networkItems(), templateItems(), providerItems(c))
}

// fleetItems lists the machines that follow the load.
func fleetItems(c choices) []costItem {
	machine := func(component, title, name string, planned, needed Input) costItem {
		return costItem{
			component: component, item: "machines", title: title, measure: hours(), machines: true,
			planned: []Input{planned}, needed: []Input{needed},
			price: priceUse{"ec2." + name, pricing.InstanceHour, "prices.machines." + component},
		}
	}
	return []costItem{
		machine("gateway", "gateways", c.machines.Gateway, figure("gateway.instances.average"), figure("gateway.instances")),
		machine("service", "notification services", c.machines.Service, figure("service.instances.average"), figure("service.instances")),
		machine("workers", "machines of the workers", c.machines.Workers, figure("workers.machines"), figure("workers.machines.needed")),
	}
}

// kafkaItems lists the queues' cluster. Managed brokers copy to each other free
// of charge: what is charged is what clients write and read in other zones.
func kafkaItems(c choices) []costItem {
	return []costItem{
		{
			component: "kafka", item: "brokers", title: "kafka brokers", measure: hours(),
			planned: []Input{key("kafka.brokers")}, needed: []Input{figure("kafka.brokers")},
			price: priceUse{"msk." + c.machines.Kafka, pricing.InstanceHour, "prices.machines.kafka"},
		},
		{
			component: "kafka", item: "storage", title: "kafka storage", measure: gigabytes(),
			planned: []Input{key("kafka.brokers"), key("kafka.disk_per_broker")},
			needed:  []Input{figure("kafka.brokers"), key("kafka.disk_per_broker")},
			price:   priceUse{id: "msk.storage", unit: pricing.GBMonth},
		},
		{
			component: "kafka", item: "cross_zone", title: "kafka traffic between zones", measure: gigabytes(),
			planned: []Input{figure("kafka.network.clients")},
			price:   priceUse{id: "msk.crosszone.gb", unit: pricing.GB},
		},
	}
}

// storeItems lists the databases and caches.
func storeItems(c choices) []costItem {
	disks := costItem{
		component: "cassandra", item: "disks", title: "cassandra disks", measure: gigabytes(),
		planned: []Input{key("cassandra.nodes"), key("cassandra.disk_per_node")},
		needed:  []Input{figure("cassandra.nodes"), key("cassandra.disk_per_node")},
		price:   priceUse{id: "ebs.gp3", unit: pricing.GBMonth},
	}
	if c.machines.CassandraDisk == "local" {
		disks.included = "the machines"
	}
	return []costItem{
		{
			component: "postgres", item: "machines", title: "postgres primaries and replicas", measure: hours(), machines: true,
			planned: []Input{figure("postgres.instances")}, needed: []Input{figure("postgres.instances.needed")},
			price: priceUse{"rds." + c.machines.Postgres, pricing.InstanceHour, "prices.machines.postgres"},
		},
		{
			component: "postgres", item: "storage", title: "postgres storage", measure: gigabytes(),
			planned: []Input{figure("postgres.instances"), key("postgres.disk_per_shard")},
			needed:  []Input{figure("postgres.instances.needed"), key("postgres.disk_per_shard")},
			price:   priceUse{id: "rds.storage", unit: pricing.GBMonth},
		},
		{
			component: "postgres", item: "backups", title: "postgres backups", measure: gigabytes(),
			planned: []Input{key("postgres.shards"), key("postgres.disk_per_shard"), key("prices.usage.backups")},
			needed:  []Input{figure("postgres.shards"), key("postgres.disk_per_shard"), key("prices.usage.backups")},
			price:   priceUse{id: "rds.backup", unit: pricing.GBMonth},
		},
		{
			component: "cassandra", item: "machines", title: "cassandra nodes", measure: hours(), machines: true,
			planned: []Input{key("cassandra.nodes")}, needed: []Input{figure("cassandra.nodes")},
			price: priceUse{"ec2." + c.machines.Cassandra, pricing.InstanceHour, "prices.machines.cassandra"},
		},
		disks,
		{
			component: "cassandra", item: "cross_zone", title: "cassandra traffic between zones", measure: gigabytes(),
			planned: []Input{figure("cassandra.cross_zone")},
			price:   priceUse{id: "crosszone.gb", unit: pricing.GB},
		},
		{
			component: "redis", item: "machines", title: "redis nodes", measure: hours(), machines: true,
			planned: []Input{key("redis.nodes")}, needed: []Input{figure("redis.nodes")},
			price: priceUse{"elasticache." + c.machines.Redis, pricing.InstanceHour, "prices.machines.redis"},
		},
	}
}

// networkItems lists what stands between the parts and around them: a balancer a
// region, and a way out in each of its zones. A balancer's capacity units are
// counted by bytes, one for a gigabyte an hour, since clients keep connections.
func networkItems() []costItem {
	bytes := func(item, title, quantity, priced string, unit pricing.Unit) costItem {
		return costItem{
			component: "network", item: item, title: title, measure: gigabytes(),
			planned: []Input{figure(quantity)}, price: priceUse{id: priced, unit: unit},
		}
	}
	return []costItem{
		{
			component: "network", item: "balancers", title: "load balancers", measure: hours(),
			planned: []Input{key("workload.regions")}, price: priceUse{id: "alb.hour", unit: pricing.Hour},
		},
		bytes("balancer_capacity", "load balancers' capacity", "storage.per_month", "alb.lcu", pricing.LCUHour),
		{
			component: "network", item: "nat", title: "NAT gateways", measure: hours(),
			planned: []Input{key("workload.regions"), key("kafka.zones")}, price: priceUse{id: "nat.hour", unit: pricing.Hour},
		},
		bytes("nat_traffic", "traffic through NAT gateways", "network.to_providers", "nat.gb", pricing.GB),
		bytes("egress", "traffic to the internet", "network.egress", "egress", pricing.GB),
		bytes("cross_zone", "traffic between zones", "network.cross_zone", "crosszone.gb", pricing.GB),
	}
}

// templateItems lists what keeping the templates costs.
func templateItems() []costItem {
	return []costItem{
		{
			component: "templates", item: "storage", title: "storage of templates", measure: gigabytes(),
			planned: []Input{key("templates.count"), key("templates.size")},
			price:   priceUse{id: "s3.standard", unit: pricing.GBMonth},
		},
		{
			component: "templates", item: "reads", title: "reads of templates", measure: each(),
			planned: []Input{figure("templates.reads")},
			price:   priceUse{id: "s3.get", unit: pricing.Request},
		},
	}
}

// providerItems lists the providers' bills for sending everything once, each
// channel by the provider that is charged.
func providerItems(c choices) []costItem {
	sent := func(channel, item, title, quantity string, price priceUse) costItem {
		return costItem{
			component: "providers", provider: true, channel: channel, item: item, title: title, measure: each(),
			planned: []Input{figure(quantity)}, price: price,
		}
	}
	return []costItem{
		sent("push", "push", "push notifications", "volume.per_month.push", priceUse{c.pushPrimary + ".push", pricing.Notification, "providers.push.primary"}),
		sent("email", "email", "e-mails", "volume.per_month.email", priceUse{c.emailCharged + ".email", pricing.Email, "providers.email.charged"}),
		sent("sms", "sms", "SMS segments", "volume.per_month.sms_segments", priceUse{c.smsPrimary + ".sms.segment", pricing.Segment, "providers.sms.primary"}),
		sent("sms", "sms_carriers", "carriers' fees on SMS segments", "volume.per_month.sms_segments", priceUse{c.smsPrimary + ".sms.carrier", pricing.Segment, "providers.sms.primary"}),
	}
}
