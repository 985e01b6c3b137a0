package catalog

import "time"

// Twilio's limits. Source: Twilio Messages resource and error dictionary, read
// 2026-11-24. Our id and ref travel in the query of the StatusCallback, so that
// delivery receipts bring them back.
const (
	// TwilioBatch is how many messages a call of the batch wire takes. The
	// real service has no such call: it takes one recipient at a time.
	TwilioBatch = 100
	// TwilioBodyCharacters bounds a message's text.
	TwilioBodyCharacters = 1600
	// TwilioShortCodeQuota is what one US short code sends, in segments a
	// second.
	TwilioShortCodeQuota = 100
	// TwilioTollFreeQuota is what one US toll-free number sends unless it was
	// granted more, in segments a second.
	TwilioTollFreeQuota = 3
	// TwilioLongCodeQuota is what one US ten-digit long code (10DLC) sends where
	// its campaign was granted no more, in segments a second.
	TwilioLongCodeQuota = 1
	// TwilioRequestBytes is our own bound on a request: 100 messages of 1600
	// characters, escaped, with their callbacks.
	TwilioRequestBytes = 4 << 20
)

func twilio() Provider {
	return Provider{
		Name: Twilio, Title: "Twilio", Channel: SMS,
		BaseURL:  "https://api.twilio.com",
		MaxBatch: TwilioBatch, RealBatch: false,
		MaxRequestBytes: TwilioRequestBytes,
		Quota:           TwilioShortCodeQuota,
	}
}

// SenderQuota gives the segments a second that one number of a kind sends by
// default, with the kind as plans spell it; 0 for an unknown kind. The carriers
// set it, so it is alike at every provider.
func SenderQuota(kind string) float64 {
	switch kind {
	case "short_code":
		return TwilioShortCodeQuota
	case "toll_free":
		return TwilioTollFreeQuota
	case "10dlc":
		return TwilioLongCodeQuota
	}
	return 0
}

// Vonage's limits. Source: Vonage SMS API reference, read 2026-11-26. Our id and
// ref travel together in client-ref, as "id.ref".
const (
	// VonageRequestBytes is our own bound on a request, which takes one
	// recipient.
	VonageRequestBytes = 64 << 10
	// VonageReferenceCharacters bounds client-ref. An id of 26 characters, a
	// dot and a ref of 64 fit.
	VonageReferenceCharacters = 100
	// VonageMinTTL and VonageMaxTTL bound how long the delivery is tried.
	VonageMinTTL = 20 * time.Second
	VonageMaxTTL = 7 * 24 * time.Hour
)

func vonage() Provider {
	return Provider{
		Name: Vonage, Title: "Vonage", Channel: SMS,
		BaseURL:  "https://rest.nexmo.com",
		MaxBatch: 1, RealBatch: false,
		MaxRequestBytes: VonageRequestBytes,
	}
}

// Segments is how many SMS segments a text takes: one up to 160 characters of
// the GSM 7-bit alphabet (70 characters of UCS-2 when it holds any other),
// else parts of 153 (67). Characters of the GSM extension table count twice;
// those outside Unicode's basic plane count twice in UCS-2. A character that
// counts twice is not split between parts, which may now and then take one part
// more than counted here. Source: 3GPP TS 23.038 and 23.040.
func Segments(text string) int {
	// However its bytes are counted, twice each in septets or once in UCS-2, one
	// part takes them.
	if len(text) <= 70 {
		return 1
	}
	if septets, ok := asciiSeptets(text); ok {
		return parts(septets, 160, 153)
	}
	septets, units, gsm := 0, 0, true
	for _, r := range text {
		units++
		if r > 0xffff {
			units++
		}
		switch w := gsmWidth(r); w {
		case 0:
			gsm = false
		default:
			septets += w
		}
	}
	if gsm {
		return parts(septets, 160, 153)
	}
	return parts(units, 70, 67)
}

// asciiSeptets counts the septets of a text whose characters are all both of
// ASCII and of the GSM 7-bit alphabet, as most are; it says when they are not.
func asciiSeptets(text string) (septets int, ok bool) {
	septets = len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 0x7f || c == '`' || c < ' ' && c != '\n' && c != '\r' && c != '\f':
			return 0, false
		case c == '^' || c >= '{' || c >= '[' && c <= ']' || c == '\f':
			septets++
		}
	}
	return septets, true
}

// IsGSM says whether a text has characters of the GSM 7-bit alphabet alone,
// with its extension table.
func IsGSM(text string) bool {
	for _, r := range text {
		if gsmWidth(r) == 0 {
			return false
		}
	}
	return true
}

func parts(length, single, part int) int {
	if length <= single {
		return 1
	}
	return (length + part - 1) / part
}

// gsmWidth is how many septets a character takes in the GSM 7-bit default
// alphabet: one, two by way of the extension table, or 0 when it is in neither.
func gsmWidth(r rune) int {
	switch r {
	case '^', '{', '}', '\\', '[', '~', ']', '|', '€', '\f':
		return 2
	case '`':
		return 0
	case '\n', '\r',
		'£', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', 'Ø', 'ø', 'Å', 'å', 'Δ', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ',
		'Θ', 'Ξ', 'Æ', 'æ', 'ß', 'É', '¤', '¡', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'ä', 'ö', 'ñ', 'ü', 'à':
		return 1
	}
	if r >= ' ' && r < 0x7f {
		return 1
	}
	return 0
}
