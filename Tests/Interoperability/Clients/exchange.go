// Makes the requests of exchange.py with Go's client.
//
//	go run exchange.go HOST:PORT
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const kilobyte, megabyte = 1024, 1024 * 1024

// The limit of /echo/whole.
const whole = 16 * megabyte

var client = &http.Client{Timeout: time.Minute}

// ask sends a request and returns the status of its response and the content.
func ask(method, path string, data []byte, isChunked bool) (int, []byte) {
	var body io.Reader
	if isChunked {
		// The client does not know the length of this type of reader.
		body = io.MultiReader(bytes.NewReader(data))
	} else if len(data) > 0 {
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, "http://"+os.Args[1]+path, body)
	if err != nil {
		fail("%s %s: %v", method, path, err)
	}
	response, err := client.Do(request)
	if err != nil {
		fail("%s %s with %d bytes (in chunks: %t): %v", method, path, len(data), isChunked, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		fail("the response to %s %s: %v", method, path, err)
	}
	return response.StatusCode, content
}

func expect(what string, found, wanted int) {
	if found != wanted {
		fail("%s: %d instead of %d", what, found, wanted)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "Go's client: "+format+"\n", arguments...)
	os.Exit(1)
}

func main() {
	for path, wanted := range map[string]int{"/": 200, "/plaintext": 200, "/headers": 200, "/nowhere": 404} {
		status, _ := ask("GET", path, nil, false)
		expect(path, status, wanted)
	}
	status, content := ask("HEAD", "/plaintext", nil, false)
	expect("HEAD", status, 200)
	expect("the content of HEAD", len(content), 0)
	for _, size := range []int{0, 5, 64 * kilobyte, megabyte, 20 * megabyte} {
		data := bytes.Repeat([]byte("x"), size)
		for _, isChunked := range []bool{false, true} {
			what := fmt.Sprintf("%d bytes (in chunks: %t)", size, isChunked)
			status, content := ask("POST", "/echo/whole", data, isChunked)
			if size > whole {
				expect(what, status, 413)
			} else if status != 200 || !bytes.Equal(content, data) {
				fail("%s: the echo has status %d and %d bytes", what, status, len(content))
			}
			for path, wanted := range map[string]int{"/nowhere": 404, "/plaintext": 405} {
				status, _ := ask("POST", path, data, isChunked)
				expect(what+" to "+path, status, wanted)
				status, _ = ask("GET", "/plaintext", nil, false)
				expect("the request after "+what+" to "+path, status, 200)
			}
		}
	}
	_, events := ask("GET", "/stream?count=3&ms=1", nil, false)
	expect("events", bytes.Count(events, []byte("event: tick")), 3)
}
