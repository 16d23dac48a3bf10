// Package console draws for people at a terminal: a bar for work under way, and the picture of who gains and who loses on
// a path. Pictures are pure functions from figures to text; nothing here reads a clock but the bar, and nothing starts a
// goroutine.
package console
