// Package service is what can be done. Every function runs in the one transaction of its request.
package service
