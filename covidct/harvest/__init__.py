"""From preprint servers and local PDFs to papers, figures, captions and mentions in a workspace."""
