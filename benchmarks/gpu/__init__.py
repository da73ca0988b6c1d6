"""On a card: the tests marked gpu, then minigrad beside PyTorch eager: `make gpu`, or `python -m benchmarks.gpu`."""
