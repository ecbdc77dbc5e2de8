"""The published language: one file per owning context; nothing else crosses a border between services."""
