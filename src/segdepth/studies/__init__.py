"""Statistics of saliency over data sets: what is asked, carried out, kept, and read again."""
