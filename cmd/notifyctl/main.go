// Command notifyctl plans notification systems, runs one, and tests whether it
// holds. Start with notifyctl --help.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], newApp()))
}
