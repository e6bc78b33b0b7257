// Probe is what the cluster's tests put into pods: a server that names its pod, and a client.
//
//	probe serve PORT
//	probe get URL
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Longer than a policy's silent drop may be mistaken for a slow answer, short enough to wait for.
const patience = 2 * time.Second

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: probe serve PORT | probe get URL"))
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2])
	case "get":
		err = get(os.Args[2])
	default:
		err = fmt.Errorf("%q is neither serve nor get", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func serve(port string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	return http.ListenAndServe(":"+port, http.HandlerFunc(
		func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprint(answer, name) },
	))
}

func get(url string) error {
	client := http.Client{Timeout: patience}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
