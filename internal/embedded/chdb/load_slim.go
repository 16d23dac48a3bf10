//go:build slim

package chdb

// builtIn is false where the build tag slim leaves the loader out, and with it all of libc: such a program is static, for
// images from scratch.
const builtIn = false

func load(string) (*library, error) { return nil, errSlim }
