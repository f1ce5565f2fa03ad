"""Checks that say whether a mock, a provider or recorded traffic keeps the documents and the cases."""
