// Package control is the record of the control topic: what an operator, or the set-up, says to the pipeline. The first
// record is the genesis; policies and commands follow. The topic has one partition and is kept for ever.
package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"detour/schemas"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// MaxBytes is the most that one control record may hold.
const MaxBytes = 256 << 10

// Record is one control record: exactly one field is set.
type Record struct {
	Genesis *Genesis `json:"genesis,omitempty"`
	Policy  *Policy  `json:"policy,omitempty"`
}

// Encode returns the record to append.
func (r *Record) Encode() (schemas.Record, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return schemas.Record{}, fmt.Errorf("encode control record: %w", err)
	}
	return schemas.Record{Partition: schemas.Partition{Topic: schemas.Control}, Value: value}, nil
}

// Decode reads a control record's value. Unknown fields, and settings that their Validate refuses, are errors.
func Decode(value []byte) (*Record, error) {
	if len(value) > MaxBytes {
		return nil, fmt.Errorf("decode control record: %d bytes, at most %d", len(value), MaxBytes)
	}
	r := new(Record)
	if err := schemas.UnmarshalStrict(value, r); err != nil {
		return nil, fmt.Errorf("decode control record: %w", err)
	}
	var err error
	switch {
	case r.Genesis != nil && r.Policy == nil:
		err = r.Genesis.Validate()
	case r.Policy != nil && r.Genesis == nil:
		err = r.Policy.Validate()
	default:
		err = fmt.Errorf("it has to be one of genesis and policy")
	}
	if err != nil {
		return nil, fmt.Errorf("decode control record: %w", err)
	}
	return r, nil
}

// hash returns the SHA-256, in hex, of v's JSON: field order is the struct's, so equal settings hash alike.
func hash(v any) string {
	data, err := json.Marshal(v)
	if err != nil { // plain structs of numbers and strings always marshal
		panic(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
