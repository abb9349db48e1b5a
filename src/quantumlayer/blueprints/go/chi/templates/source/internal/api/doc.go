// Package api is HTTP: what comes in, who may call, what goes out.
package api
