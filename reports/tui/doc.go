// Package tui is the live screen: it shows a run while it lasts, on a terminal.
//
// The screen pulls what it shows once a quarter of a second, and never
// holds the run up: closing or freezing it changes the display alone, and a
// run is only ended after being asked for it twice.
package tui
