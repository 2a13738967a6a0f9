package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// The texts of the YAML package's errors may quote the file, and so a secret. This file says what is
// wrong with a document in its own words: lines, known keys and the names of workspaces.

// parse returns the one YAML document in content, or nil if there is none. Its keys and values fit
// the type t.
func parse(content []byte, t reflect.Type) (*yaml.Node, error) {
	documents := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	switch err := documents.Decode(&document); {
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, syntaxError(content, err)
	}
	switch err := documents.Decode(new(yaml.Node)); {
	case err == nil:
		return nil, errors.New("the file holds a second YAML document, which would be ignored: remove it")
	case err != io.EOF:
		return nil, syntaxError(content, err)
	}
	root := document.Content[0]
	return root, place{}.check(root, t)
}

var (
	errorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	leadTab   = regexp.MustCompile(`(?m)^ *\t`)
	// plainText matches errors of the YAML package that quote nothing but punctuation.
	plainText = regexp.MustCompile(`^(?:[A-Za-z0-9 -]|'[^A-Za-z0-9]')+$`)
)

// syntaxError says why content is not YAML.
func syntaxError(content []byte, err error) error {
	match := errorLine.FindStringSubmatch(err.Error())
	if match == nil {
		return errors.New("the file is not valid YAML")
	}
	line, text := match[1], match[2]
	tab := leadTab.FindIndex(content)
	switch {
	case tab != nil:
		line, text = strconv.Itoa(1+bytes.Count(content[:tab[0]], []byte("\n"))), "there is a tab: YAML needs spaces at the start of a line"
	case strings.Contains(text, "anchor"), strings.Contains(text, "cannot start any token"):
		text = "a value begins with a character that has a meaning in YAML: put it in quotation marks"
	case !plainText.MatchString(text):
		text = "this is not valid YAML"
	default:
		text = "this is not valid YAML: " + text
	}
	if line == "" {
		return errors.New(text)
	}
	return fmt.Errorf("line %s: %s", line, text)
}

// place is where in a document something is.
type place struct {
	workspace string
	keys      []string // below the workspace, or below the top
	depth     int
}

// wrong says what is wrong at a place.
func (p place) wrong(n *yaml.Node, text string) error {
	parts := []string{fmt.Sprint("line ", n.Line)}
	if p.workspace != "" {
		parts = append(parts, "workspace "+p.workspace)
	}
	if len(p.keys) > 0 {
		parts = append(parts, strings.Join(p.keys, "."))
	}
	return errors.New(strings.Join(append(parts, text), ": "))
}

// expected says what the values of a type look like.
var expected = map[reflect.Type]string{
	reflect.TypeFor[bool]():                  "must be true or false",
	reflect.TypeFor[int]():                   "must be a whole number",
	reflect.TypeFor[model.Duration]():        "must be a duration with its unit, such as 8s or 2m",
	reflect.TypeFor[promconfig.URL]():        "must be a URL, such as http://proxy.example.com:3128",
	reflect.TypeFor[promconfig.TLSVersion](): "must be TLS10, TLS11, TLS12 or TLS13",
}

// maxDepth is how deep aliases may lead.
const maxDepth = 32

// check returns an error unless n can be decoded into a value of type t.
func (p place) check(n *yaml.Node, t reflect.Type) error {
	n = target(n)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	p.depth++
	words, scalar := expected[t]
	switch {
	case p.depth > maxDepth:
		return p.wrong(n, "the file is nested too deep")
	case n.ShortTag() == "!!null", t.Kind() == reflect.Interface:
		return nil
	case t.Kind() == reflect.Slice:
		return p.checkList(n, t.Elem())
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct && !scalar:
		return p.checkMap(n, t)
	case n.Kind != yaml.ScalarNode:
		return p.wrong(n, cmp.Or(words, "must be one value"))
	case n.Decode(reflect.New(t).Interface()) != nil:
		return p.wrong(n, cmp.Or(words, "this is not one of the possible values"))
	default:
		return nil
	}
}

func (p place) checkList(n *yaml.Node, element reflect.Type) error {
	if n.Kind != yaml.SequenceNode {
		return p.wrong(n, "must be a list")
	}
	for _, item := range n.Content {
		if err := p.check(item, element); err != nil {
			return err
		}
	}
	return nil
}

// checkMap checks the keys and values of a map or a struct.
func (p place) checkMap(n *yaml.Node, t reflect.Type) error {
	if n.Kind != yaml.MappingNode {
		return p.wrong(n, "needs one key on each line, indented, without a dash, and with a space after the colon")
	}
	known, rest := fields(t)
	seen := map[string]bool{}
	for pair := range slices.Chunk(n.Content, 2) {
		key, value := target(pair[0]), pair[1]
		inside, inner := p, rest
		if known[key.Value] != nil {
			inside.keys, inner = append(slices.Clip(p.keys), key.Value), known[key.Value]
		}
		var err error
		switch {
		case key.ShortTag() == "!!merge" && target(value).Kind == yaml.SequenceNode:
			err = p.check(value, reflect.SliceOf(t))
		case key.ShortTag() == "!!merge":
			err = p.check(value, t)
		case key.Kind != yaml.ScalarNode:
			err = p.wrong(key, "a key must be a text")
		case inner == nil:
			err = p.wrong(key, "unknown key: check its spelling, its indentation and the space after its colon. The keys here are: "+
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key.Value]:
			err = inside.wrong(key, "this key is there twice")
		case inner == workspaceType:
			err = p.checkWorkspace(key, value)
		default:
			err = inside.check(value, inner)
		}
		if err != nil {
			return err
		}
		seen[key.Value] = true
	}
	return nil
}

var workspaceType = reflect.TypeFor[yamlWorkspace]()

// checkWorkspace checks a workspace and its name.
func (p place) checkWorkspace(name, n *yaml.Node) error {
	if known, _ := fields(workspaceType); known[name.Value] != nil {
		return p.wrong(name, name.Value+" belongs below the name of a workspace: indent it further")
	}
	if !validName.MatchString(name.Value) {
		return p.wrong(name, "the name of a workspace is 1 to 63 letters, digits, _, . or -, and begins with a letter or digit")
	}
	return place{workspace: name.Value, depth: p.depth}.check(n, workspaceType)
}

// target returns what n is an alias of, or n.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// fields returns the types of the keys that t may have, and the type of any other key's value, or nil.
func fields(t reflect.Type) (known map[string]reflect.Type, rest reflect.Type) {
	if t.Kind() == reflect.Map {
		return nil, t.Elem()
	}
	known = map[string]reflect.Type{}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			inner, other := fields(field.Type)
			maps.Copy(known, inner)
			rest = other
		} else if name != "" {
			known[name] = field.Type
		}
	}
	return known, rest
}
