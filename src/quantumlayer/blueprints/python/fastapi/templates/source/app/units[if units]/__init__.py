"""Pure functions that a language model wrote. What is known of them are the examples in tests/units."""
