"""Audits: find the wrong labels of one's own data, each judged by a model that has not seen it."""
