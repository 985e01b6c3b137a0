// Package baseline compares runs of a load test with earlier ones of the same,
// and says what moved. It is pure: results in, a comparison out.
//
// Two runs of one program never measure the same, so a difference counts only
// where it is larger than what runs differ by anyway. Of several runs a side that
// is their spread; of one run each it is how much the difference varies while the
// two runs go on side by side. A difference within it is called noise, whatever
// its size, and never a regression.
package baseline
