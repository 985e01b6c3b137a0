// Package pricing is the dated price book: what one unit of each thing that a
// notification system is built from costs in a region, in US dollars.
//
// A [Price] says where its figure comes from, on which day it was read there
// and how far it can be trusted. A [Book] holds the prices of one region, by
// id. [Embedded] gives the book that comes with the program, [Parse] reads
// another, and [Book.With] lays a plan's own prices over one. A price that a
// book lacks is a [MissingPriceError] and never zero dollars; what costs
// nothing has a price of 0, with its source.
//
// Every value is dollars for one of its unit: one instance-hour, one GB-month,
// one e-mail. A book file may quote a price as the vendor does, say 0.16 per
// 1000; reading it divides. Volume tariffs are one price a tier, which
// [Book.Tariff] gives in order and [Tiered] charges by.
//
// The package is pure: it reads no files but the embedded ones and no clock.
// A day is a [time.Time] at midnight UTC.
package pricing
