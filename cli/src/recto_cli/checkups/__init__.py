"""What `recto doctor` looks at: each module has checks, which give findings and change nothing."""
