"""The demo: a portfolio lived through by the real services in stepped time, and compared with its replay."""
