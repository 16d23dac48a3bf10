// Package settings knows the keys of a configuration struct by its yaml tags: their paths, types, defaults and environment
// variables. Whatever needs a list of the keys walks the struct; there is no second list that could differ.
package settings

import (
	"encoding"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// Prefix of every key's environment variable.
const Prefix = "DETOUR_"

// Key is one key of a configuration that has a value of its own; a section of keys is none.
type Key struct {
	Path string // kafka.sasl.username; within the elements of a list paths[].id
	Type string // in words: "duration", "list of texts"

	value reflect.Value
}

// Element reports whether k is within the elements of a list: it has no variable, the list has one.
func (k *Key) Element() bool { return strings.Contains(k.Path, "[]") }

// Variable is the name of k's environment variable: DETOUR_KAFKA_SASL_USERNAME.
func (k *Key) Variable() string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
}

// Value is what k is set to in the configuration that was walked; the zero value within the elements of a list.
func (k *Key) Value() any { return k.value.Interface() }

// Address points to the value, for who sets it; nil within the elements of a list.
func (k *Key) Address() any {
	if !k.value.CanAddr() {
		return nil
	}
	return k.value.Addr().Interface()
}

// Keys lists the keys of the configuration that cfg points to, in the order of its fields; behind a list of sections come
// the keys of one element.
func Keys(cfg any) []Key { return walk(nil, reflect.ValueOf(cfg).Elem(), "") }

func walk(keys []Key, v reflect.Value, prefix string) []Key {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		path := prefix + name
		switch {
		case name == "-":
		case options == "inline":
			keys = walk(keys, value, prefix)
		case isSection(field.Type):
			keys = walk(keys, value, path+".")
		default:
			keys = append(keys, Key{Path: path, Type: typeName(field.Type), value: value})
			if field.Type.Kind() == reflect.Slice && isSection(field.Type.Elem()) {
				keys = walk(keys, reflect.Zero(field.Type.Elem()), path+"[].")
			}
		}
	}
	return keys
}

// isSection reports whether a value of type t is written as keys of its own.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// sections is the type of a list whose elements are sections of keys.
const sections = "list of sections"

func plural(name string) string {
	if strings.HasSuffix(name, "s") {
		return name + "es"
	}
	return name + "s"
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[netip.Addr]():
		return "IP address"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		if isSection(t.Elem()) {
			return sections
		}
		return "list of " + plural(typeName(t.Elem()))
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	return "whole number"
}
