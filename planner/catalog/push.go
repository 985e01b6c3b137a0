package catalog

import "time"

// FCM's limits. Source: Firebase Cloud Messaging documentation, "Message
// types", "Throttling and quotas" and the HTTP v1 reference, read 2026-11-24.
// Our id and ref travel in the message's data.
const (
	// FCMBatch is what the batch endpoint took in a call. It was retired in
	// June 2024; the official libraries now send that many single messages at
	// a time over shared HTTP/2 connections.
	FCMBatch = 500
	// FCMPayloadBytes bounds a message's notification and data together.
	FCMPayloadBytes = 4096
	// FCMMaxTTL is the longest a message may wait for its device: four weeks.
	FCMMaxTTL = 2_419_200 * time.Second
	// FCMQuotaPerMinute is a project's default quota of messages.
	FCMQuotaPerMinute = 600_000
	// FCMBatchBytes is our own bound on a batch request: 500 full messages
	// with the headers of their parts.
	FCMBatchBytes = 4 << 20
)

func fcm() Provider {
	return Provider{
		Name: FCM, Title: "Firebase Cloud Messaging", Channel: Push,
		BaseURL:  "https://fcm.googleapis.com",
		MaxBatch: FCMBatch, RealBatch: false,
		Multiplexed:     true,
		MaxRequestBytes: FCMBatchBytes, MaxMessageBytes: FCMPayloadBytes,
		Quota: FCMQuotaPerMinute / 60.0,
	}
}

// APNs' limits. Source: Apple, "Generating a remote notification" and "Sending
// notification requests to APNs", read 2026-11-24. Our id and ref travel in the
// payload, beside the "aps" dictionary.
const (
	// APNsPayloadBytes bounds one notification's payload.
	APNsPayloadBytes = 4096
	// APNsStorage is the longest a notification is kept for its device.
	APNsStorage = 30 * 24 * time.Hour
	// APNsTokenMinAge and APNsTokenMaxAge are the bounds within which a
	// provider token is replaced: earlier is throttled, later is refused.
	APNsTokenMinAge = 20 * time.Minute
	APNsTokenMaxAge = time.Hour
)

func apns() Provider {
	return Provider{
		Name: APNs, Title: "Apple Push Notification service", Channel: Push,
		BaseURL:  "https://api.push.apple.com",
		MaxBatch: 1, RealBatch: false,
		Multiplexed:     true,
		MaxRequestBytes: APNsPayloadBytes, MaxMessageBytes: APNsPayloadBytes,
	}
}
