// Package packages proves the .deb and the .rpm on a Debian 12 that debootstrap
// makes and systemd-nspawn boots: installed, filled in, upgraded, removed and
// purged. Run the tests with "make packages-test", as root.
package packages
