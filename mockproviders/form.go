package mockproviders

import "bytes"

// pair is a name and a value of a form or a query, still escaped.
type pair struct{ name, value []byte }

// nextPair cuts the next pair off a form or a query.
func nextPair(form []byte) (p pair, rest []byte) {
	one, rest, _ := bytes.Cut(form, []byte("&"))
	name, value, _ := bytes.Cut(one, []byte("="))
	return pair{name, value}, rest
}

// unescape appends a value to b with its escapes resolved: "+" is a space,
// "%41" an A. A broken escape stands for itself.
func unescape(b, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(value) && hexValue(value[i+1]) < 16 && hexValue(value[i+2]) < 16:
			b = append(b, hexValue(value[i+1])<<4|hexValue(value[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return b
}

// hexValue is the value of a hexadecimal digit, or 16.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// keepUnescaped copies a value into the call's text with its escapes resolved.
func (c *call) keepUnescaped(value []byte) span {
	from := len(c.text)
	c.text = unescape(c.text, value)
	return span{uint32(from), uint32(len(c.text))}
}
