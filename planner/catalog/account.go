package catalog

import "time"

// What an account at a provider may send that was granted no more, and how much
// one message holds beside its text.
const (
	// SendGridCallsPerMinute is how many calls an account may make a minute, by
	// the headers of its answers; what was used is given back whole at the end
	// of the minute. Source: SendGrid API reference, "Rate limits", read
	// 2026-11-26.
	SendGridCallsPerMinute = 600

	// SESSendRate is how many recipients a second, and SESDailyQuota how many in
	// any 24 hours, an account may send to that has just left the sandbox. A
	// message goes out as a whole while there is room for one recipient; the
	// rest is waited for. Source: Amazon SES developer guide, "Managing your
	// sending limits", read 2026-11-26.
	SESSendRate   = 14
	SESDailyQuota = 50_000
	// SESRecipients is how many recipients one message takes, To, CC and BCC
	// together, SESTagBytes the longest name or value of an e-mail tag. Source:
	// Amazon SES API v2 reference, Destination and MessageTag.
	SESRecipients = 50
	SESTagBytes   = 256
	// SESSimulator is the domain of the mailbox simulator, whose recipients
	// count against the rate and not against the daily quota. Source: Amazon SES
	// developer guide, "Using the mailbox simulator", read 2026-11-26.
	SESSimulator = "simulator.amazonses.com"

	// FCMDevicePerMinute is how many messages one device takes a minute. Source:
	// Firebase Cloud Messaging documentation, "Throttling and quotas".
	FCMDevicePerMinute = 240

	// APNsVoIPPayloadBytes bounds the payload that announces a call over the
	// Internet, APNsCollapseIDBytes the apns-collapse-id. Source: Apple,
	// "Sending notification requests to APNs", read 2026-11-26.
	APNsVoIPPayloadBytes = 5120
	APNsCollapseIDBytes  = 64

	// TwilioQueue is how long what a sender cannot send at once waits for it.
	// What would wait longer is refused with error 21611; through a messaging
	// service it fails after it was accepted. Source: Twilio error dictionary,
	// "21611", read 2026-11-26.
	TwilioQueue = 10 * time.Hour

	// VonageCallsPerSecond is how many calls a second an account may make.
	// Source: Vonage API support, "Error 1 When Sending Multiple SMS", read
	// 2026-11-26.
	VonageCallsPerSecond = 30
	// VonageTextCharacters bounds a message's text.
	VonageTextCharacters = 3200
)
