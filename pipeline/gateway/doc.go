// Package gateway is the HTTP side of the pipeline: it decodes requests,
// bounds what is in progress, and answers with results or with problems
// (RFC 9457).
//
// Bodies are decoded in one pass and without reflection, since a gateway takes
// tens of thousands of notifications a second in requests of many. Whatever is
// wrong with a request is reported at once, each fault with a pointer to its
// field (RFC 6901).
//
// With API keys every call shows one, but for the health checks: what it may do
// follows from the key's scopes, and how much from its limit. Without keys
// everybody may do everything, which is for loopback alone.
//
// A loopback server is not safe from browsers: any page can make one call it.
// So the Host of a request must be ours, an Origin must be the Host's own, and
// a body must come as application/json, which a form cannot.
package gateway
