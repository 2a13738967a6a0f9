package rocketchatsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Message is one that chat.postMessage received, with what Alertmanager's rocketchat receiver sends.
type Message struct {
	// UserID is who sent it.
	UserID string `json:"-"`

	Channel     string       `json:"channel"`
	Attachments []Attachment `json:"attachments"`
}

// Attachment is a part of a message that Rocket.Chat shows as a box.
type Attachment struct {
	Title     string `json:"title"`
	TitleLink string `json:"title_link"`
	Text      string `json:"text"`
	Color     string `json:"color"`
}

// Messages returns the messages received so far, oldest first.
func (s *Server) Messages() (received []Message) {
	s.do(func() { received = slices.Clone(s.messages) })
	return received
}

// postMessage needs no permission of its own: any user may post.
func (s *Server) postMessage(userID string, body []byte) reply {
	message := Message{UserID: userID}
	if err := json.Unmarshal(body, &message); err != nil || message.Channel == "" {
		return s.apiError("error-roomid-param-not-provided", `The required "roomId" or "channel" param was not provided`, ChatPostMessage)
	}
	s.messages = append(s.messages, message)
	return text(http.StatusOK, fmt.Sprintf(`{"ts":%d,"channel":%q,"success":true}`, s.now().UnixMilli(), message.Channel))
}
