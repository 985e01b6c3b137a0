package sqlite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-faster/jx"

	"github.com/notifyctl/notifyctl/pipeline"
)

// askedUser is a user that is looked up, and the channels asked for, as bits.
type askedUser struct {
	id       string
	channels uint64
}

// groupKeys puts keys of one user together that stand side by side.
func groupKeys(keys []pipeline.PreferenceKey) []askedUser {
	asked := make([]askedUser, 0, len(keys))
	for _, key := range keys {
		if n := len(asked); n == 0 || asked[n-1].id != key.UserID {
			asked = append(asked, askedUser{id: key.UserID})
		}
		asked[len(asked)-1].channels |= 1 << key.Channel
	}
	return asked
}

// encodeUsers makes the parameter of readQuery.
func encodeUsers(asked []askedUser) string {
	var list textList
	list.Buf = make([]byte, 0, 24*len(asked)+2)
	for i := range asked {
		list.add(asked[i].id)
	}
	return list.end()
}

// encodeTexts makes a JSON array of texts.
func encodeTexts(texts []string) string {
	var list textList
	for _, text := range texts {
		list.add(text)
	}
	return list.end()
}

// textList is a JSON array of texts that is being written.
type textList struct{ jx.Writer }

func (l *textList) add(text string) {
	separator := byte(',')
	if len(l.Buf) == 0 {
		separator = '['
	}
	l.Buf = append(l.Buf, separator)
	l.Str(text)
}

func (l *textList) end() string {
	if len(l.Buf) == 0 {
		return "[]"
	}
	return string(append(l.Buf, ']'))
}

// readAnswer reads what readQuery answered: of each row the user's place among
// those asked for (from the 17th bit), the channel (from the 9th) and what is
// wanted, as one number; a blank; the version; and the addresses. Rows of channels
// that were not asked for are left out.
func readAnswer(answer string, asked []askedUser) (found []pipeline.Preference, err error) {
	found = make([]pipeline.Preference, 0, len(asked))
	for rest := answer; rest != ""; {
		number, after, _ := strings.Cut(rest, " ")
		addressesAt := max(0, strings.IndexByte(after, '['))
		bits, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a row: %w", err)
		}
		if bits>>16 >= uint64(len(asked)) {
			return nil, fmt.Errorf("a row of user %d, of %d", bits>>16, len(asked))
		}
		version, err := strconv.ParseInt(after[:addressesAt], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a version: %w", err)
		}
		var addresses []string
		if addresses, rest, err = cutAddresses(after[addressesAt:]); err != nil {
			return nil, err
		}
		user, channel := &asked[bits>>16], pipeline.Channel(bits>>8)
		if user.channels&(1<<channel) == 0 {
			continue
		}
		found = append(found, pipeline.Preference{
			PreferenceKey: pipeline.PreferenceKey{UserID: user.id, Channel: channel},
			Transactional: bits&2 != 0, Promotional: bits&1 != 0,
			Addresses: addresses, Version: version,
		})
	}
	return found, nil
}

// cutAddresses reads the addresses of a row, a JSON array of texts, and gives
// what is behind them; none are nil. They are parts of the text, but for those that
// had to be escaped.
func cutAddresses(text string) (addresses []string, rest string, err error) {
	if rest, none := strings.CutPrefix(text, "[]"); none {
		return nil, rest, nil
	}
	for rest := text; strings.HasPrefix(rest, `["`) || len(addresses) > 0 && strings.HasPrefix(rest, `,"`); {
		end := strings.IndexAny(rest[2:], `"\`)
		if end < 0 || rest[2+end] == '\\' {
			break
		}
		addresses = append(addresses, rest[2:2+end])
		if rest = rest[2+end+1:]; strings.HasPrefix(rest, "]") {
			return addresses, rest[1:], nil
		}
	}
	d := json.NewDecoder(strings.NewReader(text))
	addresses = nil
	if err := d.Decode(&addresses); err != nil {
		return nil, "", fmt.Errorf("addresses: %w", err)
	}
	return addresses, text[d.InputOffset():], nil
}
