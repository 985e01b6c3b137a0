// Package pipelinetest holds one conformance suite a port. Every adapter of a
// port passes the port's suite, so that no stage can tell the engines apart.
package pipelinetest
