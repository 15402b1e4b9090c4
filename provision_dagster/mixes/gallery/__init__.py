"""The gallery of a mix: some hundred examples with their pictures, on one page that needs no network."""
