"""The `recto` command: a shell around the library, for people. It decides nothing about documents."""
