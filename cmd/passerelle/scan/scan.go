// Package scan has the files that persons bring looked at by the virus scanner of the
// operator, before anything of them is stored: clamd over its socket (INSTREAM), or a
// program that reads the file on its input. Whatever is no clear answer is a refusal: a
// file that was not looked at is not taken in.
package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Scanner is where files are looked at: Network and Address of clamd, or else Command.
type Scanner struct {
	Network, Address string   // unix or tcp
	Command          []string // with its arguments: 0 is clean, 1 infected, all else a failure
	Timeout          time.Duration
	Report           func(event string, args ...any) // of failures; nil ignores them
}

// errUnclear is an answer that neither says clean nor infected.
var errUnclear = errors.New("no clear answer")

// Scan looks at a file: nil when it is clean, WEB-022 when it is not, WEB-023 when nobody
// could tell.
func (s *Scanner) Scan(ctx context.Context, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	look := s.clamd
	if len(s.Command) > 0 {
		look = s.run
	}
	infected, err := look(ctx, content)
	switch {
	case err != nil:
		if s.Report != nil {
			s.Report("virus scanner", "error", err)
		}
		return &xds.Error{ID: "WEB-023", Where: "fichier"}
	case infected:
		return &xds.Error{ID: "WEB-022", Where: "fichier"}
	}
	return nil
}

// Probe asks whether the scanner answers.
func (s *Scanner) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if len(s.Command) > 0 {
		infected, err := s.run(ctx, []byte("passerelle\n"))
		if err == nil && infected {
			err = errors.New("a harmless text is called infected")
		}
		return err
	}
	answer, err := s.ask(ctx, []byte("zPING\x00"))
	if err == nil && answer != "PONG" {
		err = errUnclear
	}
	return err
}

// chunk is how much of a file clamd is sent at once.
const chunk = 64 << 10

// clamd sends the file by INSTREAM (clamd(8)).
func (s *Scanner) clamd(ctx context.Context, content []byte) (infected bool, err error) {
	message := []byte("zINSTREAM\x00")
	for len(content) > 0 {
		n := min(chunk, len(content))
		message = append(binary.BigEndian.AppendUint32(message, uint32(n)), content[:n]...)
		content = content[n:]
	}
	answer, err := s.ask(ctx, binary.BigEndian.AppendUint32(message, 0))
	switch {
	case err != nil:
		return false, err
	case answer == "stream: OK":
		return false, nil
	case strings.HasPrefix(answer, "stream: ") && strings.HasSuffix(answer, " FOUND"):
		return true, nil
	}
	return false, errUnclear
}

// maxAnswer bounds what clamd may say.
const maxAnswer = 4 << 10

// ask sends one command and reads its answer, which a NUL ends.
func (s *Scanner) ask(ctx context.Context, message []byte) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, s.Network, s.Address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	// clamd answers in the midst of a file that is too long for it, and hangs up.
	_, sent := conn.Write(message)
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	text, whole := strings.CutSuffix(string(answer), "\x00")
	if !whole {
		return "", errors.Join(sent, err, errUnclear)
	}
	return text, nil
}

// run gives the file to the program.
func (s *Scanner) run(ctx context.Context, content []byte) (infected bool, err error) {
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Stdin = bytes.NewReader(content)
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && ctx.Err() == nil {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.Command[0], err)
	}
	return false, nil
}
