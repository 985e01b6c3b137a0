// Package pipeline holds the domain of a notification system: what a
// notification is, what may become of it, and the ports behind which the
// engines keep it.
//
// One notification's way:
//
//	gateway -> ingest =INTAKE=> feed -> delivery -> provider =SETTLEMENT=> history
//
// Everything between the two commits may be lost at any moment and is done
// again; everything at them is durable. The stages live in the packages below
// this one and know the ports declared here, never an engine; the engines live
// in pipeline/engine and know the ports, never a stage.
package pipeline
