"""The verbs of the `prorl` command, one module each: ``main(argv) -> exit code``."""
