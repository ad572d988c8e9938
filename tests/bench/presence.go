// SPDX-License-Identifier: MIT

// What presenced does for a callback, in memory, with Go's own net/http: checks Sign and body, and keeps a row a
// platform, of which the later event stays. Arguments: certificate, key. Prints its port.
package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	app        = "1400000001"
	token      = "bench"
	toleranceS = 60
	maxBody    = 64 << 10
)

type stateChange struct {
	CallbackCommand string
	EventTime       int64
	Info            struct{ Action, To_Account, Reason string }
	KickedDevice    []struct{ Platform string }
}

type row struct {
	eventTime, receivedTime int64
	action, reason, client  string
}

type presence struct {
	lock  sync.Mutex
	users map[string]map[string]row
}

func (p *presence) keep(event *stateChange, platform, client string) {
	next := row{event.EventTime, time.Now().UnixMilli(), event.Info.Action, event.Info.Reason, client}
	p.lock.Lock()
	defer p.lock.Unlock()
	rows := p.users[event.Info.To_Account]
	if rows == nil {
		rows = make(map[string]row)
		p.users[event.Info.To_Account] = rows
	}
	put(rows, platform, next)
	next.action, next.reason = "Kicked", "Kicked"
	for _, device := range event.KickedDevice {
		put(rows, device.Platform, next)
	}
}

func put(rows map[string]row, platform string, next row) {
	if known, ok := rows[platform]; !ok || known.eventTime <= next.eventTime {
		rows[platform] = next
	}
}

func isSigned(query url.Values) bool {
	requestTime := query.Get("RequestTime")
	seconds, err := strconv.ParseInt(requestTime, 10, 64)
	age := time.Now().Unix() - seconds
	if err != nil || age > toleranceS || age < -toleranceS {
		return false
	}
	digest := sha256.Sum256([]byte(token + requestTime))
	sign := hex.EncodeToString(digest[:])
	return subtle.ConstantTimeCompare([]byte(sign), []byte(query.Get("Sign"))) == 1
}

func answer(w http.ResponseWriter, status int, info string) {
	word, code := "OK", 0
	if info != "" {
		word, code = "FAIL", 1
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"ActionStatus":"%s","ErrorCode":%d,"ErrorInfo":"%s"}`, word, code, info)
}

func (p *presence) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("SdkAppid") != app || !isSigned(query) {
		answer(w, http.StatusForbidden, "not signed")
		return
	}
	var event stateChange
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	if err != nil || event.CallbackCommand != query.Get("CallbackCommand") || event.Info.To_Account == "" ||
		event.Info.Action == "" {
		answer(w, http.StatusOK, "the body is not a State.StateChange")
		return
	}
	p.keep(&event, query.Get("OptPlatform"), query.Get("ClientIP"))
	answer(w, http.StatusOK, "")
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := http.Server{Handler: &presence{users: make(map[string]map[string]row)}}
	log.Fatal(server.ServeTLS(listener, os.Args[1], os.Args[2]))
}
