package sandbox

import (
	"context"
	"sync"
)

// gate lets requests in, and holds them back while the sandbox is reset.
type gate struct {
	mutex  sync.Mutex
	inside int
	shut   chan struct{} // closed when the gate opens again, nil while it is open
	empty  chan struct{} // closed when the last request has left
}

// enter waits until the gate is open; false when the context ended first.
func (g *gate) enter(ctx context.Context) bool {
	for {
		g.mutex.Lock()
		shut := g.shut
		if shut == nil {
			g.inside++
		}
		g.mutex.Unlock()
		if shut == nil {
			return true
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return false
		}
	}
}

func (g *gate) leave() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// close lets nobody in any more and waits until everybody has left, after whoever
// has closed it before. When the context ends first the gate is as before and the
// answer false.
func (g *gate) close(ctx context.Context) bool {
	empty := g.shutFor(ctx)
	if empty == nil {
		return false
	}
	select {
	case <-empty:
		return true
	case <-ctx.Done():
	}
	select {
	case <-empty: // one that is empty closes whatever the context
		return true
	default:
		g.open()
		return false
	}
}

// shutFor shuts the gate; what it gives is closed when nobody is inside. It is nil
// when the context ended before another one opened the gate again.
func (g *gate) shutFor(ctx context.Context) (empty chan struct{}) {
	for {
		g.mutex.Lock()
		shut := g.shut
		if shut == nil {
			defer g.mutex.Unlock()
			g.shut, empty = make(chan struct{}), make(chan struct{})
			if g.inside == 0 {
				close(empty)
			} else {
				g.empty = empty
			}
			return empty
		}
		g.mutex.Unlock()
		select {
		case <-shut:
		case <-ctx.Done():
			return nil
		}
	}
}

func (g *gate) open() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	close(g.shut)
	g.shut, g.empty = nil, nil
}
