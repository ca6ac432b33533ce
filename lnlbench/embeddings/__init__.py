"""Embeddings: features of a frozen backbone, computed once for several views and kept on disk."""
