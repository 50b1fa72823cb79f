package repositorytest

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/repository"
)

// serverLimit is how long a server may take to be ready: seconds on an idle machine.
const serverLimit = 2 * time.Minute

// S3Server runs a real S3 server as a child, with one empty bucket, until the end of
// the test. It is the one that `make tools-s3` built, or one on PATH; without either
// it says so and ok is false: the server in the process is then the only one tried.
func S3Server(t testing.TB) (o repository.S3Options, ok bool) {
	t.Helper()
	program, found := s3Program()
	if !found {
		t.Log("no S3 server on this machine (make tools-s3 builds one): the one in the process alone was tried")
		return o, false
	}
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "blobs"), 0o700); err != nil { // the bucket
		t.Fatal(err)
	}
	address := freeAddress(t)
	server := exec.CommandContext(t.Context(), program, "server", "--quiet", "--anonymous", "--address", address, data)
	server.Env = append(os.Environ(), "MINIO_ROOT_USER=passerelle", "MINIO_ROOT_PASSWORD=passerelle-test", "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_CONFIG_DIR="+t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	awaitReady(t, "http://"+address+"/minio/health/ready", ended)
	return repository.S3Options{
		Endpoint: address, Bucket: "blobs", Region: "us-east-1", AccessKey: "passerelle", SecretKey: "passerelle-test", Plain: true, Spool: t.TempDir(),
	}, true
}

// s3Program is the server's program: in the cache folder of make tools-s3, else on PATH.
func s3Program() (string, bool) {
	if cache, err := os.UserCacheDir(); err == nil {
		name := filepath.Join(cache, "passerelle", "bin", "minio")
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name, true
		}
	}
	name, err := exec.LookPath("minio")
	return name, err == nil
}

// freeAddress is an address of the loopback that nobody listens on now.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func awaitReady(t testing.TB, url string, ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serverLimit)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !answers(ctx, url) {
		select {
		case err := <-ended:
			t.Fatalf("the S3 server ended: %v", err)
		case <-ctx.Done():
			t.Fatal("the S3 server is not ready")
		case <-again.C:
		}
	}
}

func answers(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
