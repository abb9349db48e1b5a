package service

// Page is the part of a list that is wanted.
type Page struct {
	Limit  int64
	Offset int64
}
