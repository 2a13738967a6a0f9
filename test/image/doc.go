// Package image proves the container image: it builds the Dockerfile with "make
// image", looks at what the image holds, and runs it. Run the tests with "make
// image-test", as root, where buildah is installed.
package image
