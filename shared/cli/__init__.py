"""The `arrears` command: a thin layer that reads arguments, calls the library and prints for people."""
