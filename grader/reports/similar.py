"""results/similar.html: pairs of submissions that are suspiciously alike."""

SIMILAR = "similar.html"
