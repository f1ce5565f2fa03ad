"""The mock inside somebody's tests, with pytest or without."""
