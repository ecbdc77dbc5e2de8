"""What leaves in words: registered texts with the disclosures and claims they bear, and a lexicon for free text.

    templates.yaml + the texts --load--> Registry.tags(...) -> what the gate judges
    free text --classify--> Finding(tags, unsure, spans)

Pure but for the reading of files (loading.py).
"""
