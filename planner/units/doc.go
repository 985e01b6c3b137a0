// Package units reads and writes the quantities of a plan: numbers with a
// unit, and ranges of them.
//
// A quantity is kept in the base of its unit: seconds, bytes, events per
// second, bytes per second, US dollars per month or for one thing, and fractions of one.
// Decimal prefixes count in thousands (1 KB = 1000 B) and binary ones in 1024
// (1 KiB = 1024 B). [Parse] reads what a person writes ("50K/s", "4..8GB"),
// [Format] writes a text that parses back to the very same value, and
// [Humanize] rounds for reading.
package units
