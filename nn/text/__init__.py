"""Text: vocabularies, batches, decoding, word vectors."""

from .decoding import Hypothesis, beam_search, filtered, greedy, sample
from .vectors import WordVectors, read_vectors
from .vocabulary import BytePairVocabulary, Vocabulary
from .windows import bag_of_words, batchify, bptt_windows, bucket_by_length, cbow_windows, pad_rows, skip_gram_pairs

__all__ = [
    "BytePairVocabulary", "Hypothesis", "Vocabulary", "WordVectors", "bag_of_words", "batchify", "beam_search", "bptt_windows",
    "bucket_by_length", "cbow_windows", "filtered", "greedy", "pad_rows", "read_vectors", "sample", "skip_gram_pairs",
]  # fmt: skip
