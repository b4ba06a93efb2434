"""Many writers and readers at once: is every answer right?

`plan` draws what happens from a seed, `driver` lets it happen to a store, `history` judges what was seen,
`memory` is a store without S3 and `mutants` are protocols that must be found out.
"""
