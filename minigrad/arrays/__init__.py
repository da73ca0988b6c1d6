"""The other kinds of array that rules run on: batches and row-sparse gradients."""
