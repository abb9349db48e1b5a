"""Tests of the application, in process, each on a fresh database."""
