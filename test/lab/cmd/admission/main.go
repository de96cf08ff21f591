// Command admission is a validating webhook for the lab's own check that the API server reaches one in a pod: it refuses
// every object with the label refuse=yes.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"time"
)

// review is as much of admission.k8s.io/v1's AdmissionReview as is needed.
type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type request struct {
	UID    string `json:"uid"`
	Object struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	} `json:"object"`
}

type response struct {
	UID     string `json:"uid"`
	Allowed bool   `json:"allowed"`
	Status  status `json:"status"`
}

type status struct {
	Message string `json:"message,omitempty"`
}

func main() {
	dir := flag.String("certificates", "/certificates", "`folder` with tls.crt and tls.key")
	flag.Parse()
	http.HandleFunc("/validate", validate)
	server := &http.Server{Addr: ":8443", ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServeTLS(*dir+"/tls.crt", *dir+"/tls.key"))
}

func validate(w http.ResponseWriter, r *http.Request) {
	var in review
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&in); err != nil || in.Request == nil {
		http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	out := review{APIVersion: in.APIVersion, Kind: in.Kind, Response: &response{UID: in.Request.UID, Allowed: true}}
	if in.Request.Object.Metadata.Labels["refuse"] == "yes" {
		out.Response.Allowed, out.Response.Status.Message = false, "refused by the lab"
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		log.Print(err)
	}
}
