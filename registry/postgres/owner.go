package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user under whom the server runs. PostgreSQL refuses root.
type owner struct {
	uid, gid uint32
	name     string
	dropped  bool // we are root and give the server another user
}

// ownerOf is ourselves; for root it is the user of an existing data folder, else
// postgres, else nobody.
func ownerOf(data string) (owner, error) {
	us := owner{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	us.name = strconv.Itoa(int(us.uid))
	holder, err := statOwner(data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return owner{}, err
	}
	exists := err == nil
	switch {
	case us.uid != 0 && exists && holder.uid != us.uid:
		return owner{}, &Error{ErrUnreachable,
			fmt.Sprintf("Le dossier %s appartient à un autre utilisateur (uid %d) : lancer passerelle sous cet utilisateur, ou choisir un autre dossier", data, holder.uid),
			"the data folder belongs to another user"}
	case us.uid != 0:
		return us, nil
	case exists && holder.uid != 0:
		return holder, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return fromAccount(u)
		}
	}
	return owner{}, &Error{ErrNoServer,
		"PostgreSQL ne tourne pas sous root et ni l'utilisateur postgres ni nobody n'existe : lancer passerelle sous un utilisateur ordinaire",
		"PostgreSQL does not run as root and there is no user postgres or nobody: run as an ordinary user"}
}

func fromAccount(u *user.User) (owner, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return owner{}, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return owner{}, err
	}
	return owner{uid: uint32(uid), gid: uint32(gid), name: u.Username, dropped: true}, nil
}

func statOwner(path string) (owner, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return owner{}, err
	}
	st := info.Sys().(*syscall.Stat_t) // always so on Unix
	return owner{uid: st.Uid, gid: st.Gid, name: strconv.Itoa(int(st.Uid)), dropped: true}, nil
}

// reaches checks that the owner may pass through a folder and all its parents.
func (o owner) reaches(dir string) error {
	if !o.dropped {
		return nil
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		bit := os.FileMode(0o001)
		switch {
		case st.Uid == o.uid:
			bit = 0o100
		case st.Gid == o.gid:
			bit = 0o010
		}
		if info.Mode()&bit == 0 {
			return &Error{ErrUnreachable,
				fmt.Sprintf("Lancé par root, PostgreSQL tourne sous l'utilisateur %s, qui ne peut pas traverser %s pour atteindre %s : choisir un dossier comme /var/lib/passerelle, ou chmod o+x %s", o.name, at, dir, at),
				"the unprivileged user of the server cannot pass through a parent of the data folder: choose a folder such as /var/lib/passerelle"}
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// mkdir makes a folder that only the owner opens. One that is there already is
// taken when it is a plain folder of the owner (or ours, half made); anything else
// at that place was put there by somebody else.
func (o owner) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	holder := info.Sys().(*syscall.Stat_t).Uid
	if !info.IsDir() || info.Mode().Perm() != 0o700 || holder != o.uid && int(holder) != os.Geteuid() {
		return &Error{ErrUnreachable,
			fmt.Sprintf("%s n'est pas un dossier privé de passerelle : le supprimer", dir),
			"a private folder of the gateway was made by somebody else: remove it"}
	}
	if holder == o.uid {
		return nil
	}
	return os.Lchown(dir, int(o.uid), int(o.gid))
}

// attributes make a process run as the owner, in a process group of its own so
// that a Ctrl-C on the terminal reaches the gateway alone, which then ends its
// server in order.
func (o owner) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if o.dropped {
		attr.Credential = &syscall.Credential{Uid: o.uid, Gid: o.gid}
	}
	return attr
}
