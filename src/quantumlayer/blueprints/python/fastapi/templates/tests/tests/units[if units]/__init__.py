"""Tests of the functions in app/units."""
