"""`python -m motet.cli`, and `torchrun -m motet.cli` for several processes."""

from motet.cli.main import main

if __name__ == "__main__":
    main()
