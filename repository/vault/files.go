package vault

import (
	"errors"
	"os"
	"path/filepath"
)

// newPrefix begins the name of a file that is being made.
const newPrefix = ".new-"

// create writes a file that was not there, whole and durable: a temporary file, synced,
// linked under its name, which fails with fs.ErrExist when the name is taken.
func (v *Vault) create(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, newPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// shelve makes the two folders above a file, durably.
func (v *Vault) shelve(path string) error {
	inner := filepath.Dir(path)
	if _, err := os.Stat(inner); err == nil {
		return nil
	}
	if err := os.MkdirAll(inner, 0o700); err != nil {
		return err
	}
	return errors.Join(syncFolder(v.dir), syncFolder(filepath.Dir(inner)))
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
