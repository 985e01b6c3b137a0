// Package page renders the result of a load test as one HTML page that needs
// nothing but itself: no script, no font, no image and no network, which its own
// content security policy forbids. It reads in light and dark, on a narrow screen
// and on paper, and without colour.
//
// Its charts are plain SVG shapes that are stretched to the room there is, with
// their labels as text beside them, so that those are as large on a phone as on a
// desk; colours and dashes come from the page's style sheet. The chart libraries
// that write SVG put their colours into each element, have no logarithmic axis,
// and scale their texts with the picture.
package page
