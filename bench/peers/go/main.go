// The chain with Go's standard library alone.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

type node struct {
	name, meow, next string
	client           *http.Client
}

func main() {
	port := os.Getenv("PORT")
	name := "node-" + os.Getenv("NODE_NAME")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 1024
	transport.MaxIdleConnsPerHost = 1024
	n := &node{
		name:   name,
		meow:   "meow from " + name + ":" + port,
		next:   os.Getenv("NEXT"),
		client: &http.Client{Timeout: 5 * time.Second, Transport: transport},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/ping", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "pong") })
	mux.HandleFunc("/start", n.start)
	mux.HandleFunc("/meow", n.answer)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, mux))
}

func (n *node) start(w http.ResponseWriter, r *http.Request) {
	meows, err := n.pass(r, nil)
	reply(w, meows, err)
}

func (n *node) answer(w http.ResponseWriter, r *http.Request) {
	var path []string
	body := http.MaxBytesReader(w, r.Body, 16*1024)
	if err := json.NewDecoder(body).Decode(&path); err != nil {
		reply(w, nil, err)
		return
	}
	behind, err := n.pass(r, path)
	reply(w, append([]string{n.meow}, behind...), err)
}

func (n *node) pass(r *http.Request, path []string) ([]string, error) {
	if n.next == "" {
		return []string{}, nil
	}
	ball, err := json.Marshal(append(path, n.name))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(r.Context(), "POST", n.next+"/meow", bytes.NewReader(ball))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := n.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	var meows []string
	err = json.NewDecoder(answer.Body).Decode(&meows)
	return meows, err
}

func reply(w http.ResponseWriter, meows []string, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, `{"status":"error","message":{"status":502,"detail":%q}}`, err.Error())
		return
	}
	body, _ := json.Marshal(meows)
	w.Write(body)
}
