"""`motet` on the command line: parse, call, print. Nothing heavy is imported until a command needs it."""

from motet.cli.main import main as main
