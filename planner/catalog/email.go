package catalog

// SendGrid's limits on one call of POST /v3/mail/send. Source: SendGrid API
// reference, "Mail Send: Limitations" and "Errors", read 2026-11-24.
const (
	// SendGridPersonalizations is how many personalizations a call takes, and
	// how many recipients in total. An address may stand in one of them only.
	SendGridPersonalizations = 1000
	// SendGridMessageBytes bounds the whole request: "less than 30 MB".
	SendGridMessageBytes = 30 << 20
	// SendGridCustomArgsBytes bounds the custom arguments of one
	// personalization, which carry our id and ref: "less than 10,000 bytes".
	SendGridCustomArgsBytes = 10_000
	// SendGridSubstitutionBytes bounds the substitutions of one
	// personalization.
	SendGridSubstitutionBytes = 10_000
)

func sendGrid() Provider {
	return Provider{
		Name: SendGrid, Title: "SendGrid", Channel: Email,
		BaseURL:  "https://api.sendgrid.com",
		MaxBatch: SendGridPersonalizations, RealBatch: true,
		MaxRequestBytes: SendGridMessageBytes,
	}
}

// SES's limits on one call of the v2 API. Source: Amazon SES API v2 reference,
// SendBulkEmail and ReplacementTemplate, and developer guide, "Using templates
// to send personalized email", read 2026-11-26. Our id and ref travel as e-mail
// tags, whose values have letters, digits, _ and - alone.
const (
	// SESDestinations is how many destinations a bulk call takes.
	SESDestinations = 50
	// SESMessageBytes bounds a message: 40 MB, attachments included.
	SESMessageBytes = 40 << 20
	// SESTemplateDataBytes bounds the values of one destination of a bulk call,
	// as JSON.
	SESTemplateDataBytes = 262_144
	// SESInlineTemplateBytes bounds a bulk call that brings its template along:
	// 1 MB.
	SESInlineTemplateBytes = 1_000_000
)

func ses() Provider {
	return Provider{
		Name: SES, Title: "Amazon SES", Channel: Email,
		BaseURL:  "https://email.us-east-1.amazonaws.com",
		MaxBatch: SESDestinations, RealBatch: true,
		MaxRequestBytes: SESMessageBytes,
	}
}
