// Package imagetest proves the container image: it builds the Dockerfile as it
// is with "make image", looks at all that the image holds, and runs it against a
// simulated Rocket.Chat. Run it with "make image-test", as root, where buildah is
// installed.
package imagetest
